/** Stacked bars over time: the picture that the histogram and the actor's days share. */

import { svg } from "./dom.js";

/** Draw columns of stacked counts into an <svg>.
 *
 * `columns` is a list of lists of counts, one count a series; `classes` colours the series; `box` is
 * {width, height, bottom}, in pixels. Returns the highest total.
 */
export function drawStack(target, columns, classes, { width, height, bottom }) {
  const totals = columns.map((counts) => counts.reduce((sum, count) => sum + count, 0));
  const highest = Math.max(1, ...totals);
  const step = width / Math.max(1, columns.length);
  const room = height - bottom;
  const gap = step > 4 ? 1 : 0;
  const paths = classes.map(() => []);
  columns.forEach((counts, column) => {
    if (totals[column] === 0) return;
    // What is there is seen: a column of one event beside one of thousands still has a pixel.
    const full = Math.max(2, (totals[column] / highest) * (room - 4));
    let top = room;
    counts.forEach((count, series) => {
      if (count === 0) return;
      const part = (count / totals[column]) * full;
      top -= part;
      paths[series].push(`M${(column * step).toFixed(2)} ${top.toFixed(2)}h${(step - gap).toFixed(2)}v${part.toFixed(2)}h-${(step - gap).toFixed(2)}z`);
    });
  });
  target.setAttribute("viewBox", `0 0 ${width} ${height}`);
  target.replaceChildren(
    svg("path", { class: "axis", d: `M0 ${room + 0.5}H${width}` }),
    ...paths.map((path, series) => svg("path", { class: `bar ${classes[series]}`, d: path.join("") })),
  );
  return totals.length === 0 ? 0 : Math.max(...totals);
}
