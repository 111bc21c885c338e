/** The trace of an event: its spans as bars over time, its events as dots on them. */

import { colourOf } from "./colour.js";
import { el, oneLine } from "./dom.js";
import { duration, moment, nameText } from "./format.js";

const MAX_SPANS = 200;
const MAX_EVENTS = 500;
const MAX_DEPTH = 12;

/** The spans as a list in which each stands after its parent, with its depth. */
function ordered(spans) {
  const ids = new Set(spans.map((span) => span.span_id));
  const children = new Map();
  for (const span of [...spans].sort((one, other) => (one.start < other.start ? -1 : 1))) {
    const parent = ids.has(span.parent_span_id) && span.parent_span_id !== span.span_id ? span.parent_span_id : null;
    children.set(parent, [...(children.get(parent) ?? []), span]);
  }
  const list = [];
  const seen = new Set();
  const walk = (parent, depth) => {
    for (const span of children.get(parent) ?? []) {
      if (seen.has(span.span_id)) continue;
      seen.add(span.span_id);
      list.push({ ...span, depth });
      if (depth < 500) walk(span.span_id, depth + 1);
    }
  };
  walk(null, 0);
  return list.concat(spans.filter((span) => !seen.has(span.span_id)).map((span) => ({ ...span, depth: 0 }))); // circles
}

/** Draw a trace; `current` is the id of the event from which one came, `open(id)` goes to another. */
export function traceView(trace, current, open) {
  const spans = trace.spans.map((span) => ({ ...span, start: BigInt(span.start_ns), end: BigInt(span.end_ns) }));
  const events = trace.events.slice(0, MAX_EVENTS).map((event) => ({ ...event, at: BigInt(event.time_ns) }));
  if (spans.length + events.length === 0) return el("p", { class: "dim", text: "Nothing of this trace is here." });
  const moments = [...spans.flatMap(({ start, end }) => [start, end]), ...events.map(({ at }) => at)];
  const from = moments.reduce((one, other) => (one < other ? one : other));
  const to = moments.reduce((one, other) => (one > other ? one : other));
  const span = to > from ? to - from : 1n;
  const percent = (at) => Number(((at - from) * 100_000n) / span) / 1000;

  const dot = (event) => {
    const text = `${nameText(event.name)}, ${moment(event.time_ns)}, ${duration(event.at - from)} after the beginning`;
    const button = el("button", {
      type: "button", class: `event-dot ${colourOf(event.name)}`, "aria-label": text, title: text,
      "aria-current": String(event.id) === String(current) ? "true" : null, on: { click: () => open(event.id) },
    });
    button.style.left = `${percent(event.at)}%`;
    return button;
  };
  const line = (name, service, depth, bar, dots, length) => el("li", {},
    el("span", { class: `span-name d${Math.min(depth, MAX_DEPTH)}`, title: `${oneLine(name, 200)}${service ? ` (${oneLine(service, 200)})` : ""}` },
      el("bdi", { text: oneLine(name, 120) }), service && el("bdi", { class: "dim", text: oneLine(service, 60) })),
    el("span", { class: "track" }, bar, ...dots), el("span", { class: "length", text: length }));

  const shown = ordered(spans).slice(0, MAX_SPANS);
  const known = new Set(shown.map(({ span_id: id }) => id));
  const lines = shown.map((each) => {
    const bar = el("span", { class: `span-bar ${each.status === "error" ? "error" : ""}` });
    bar.style.left = `${percent(each.start)}%`;
    bar.style.width = `${percent(each.end) - percent(each.start)}%`;
    const failed = each.status === "error" ? " (error)" : "";
    return line(`${each.name}${failed}`, each.service, each.depth, bar, events.filter((event) => event.span_id === each.span_id).map(dot), duration(each.end - each.start));
  });
  const loose = events.filter((event) => !known.has(event.span_id));
  if (loose.length > 0) lines.unshift(line(spans.length === 0 ? "events (no spans came in)" : "events outside these spans", null, 0, null, loose.map(dot), ""));
  const hidden = spans.length - shown.length;
  return el("div", { class: "trace" },
    el("p", { class: "scale dim" }, el("span", { text: moment(from) }), el("span", { text: `${duration(to - from)}${hidden > 0 ? `, ${hidden} more spans` : ""}` })),
    el("ol", {}, lines));
}
