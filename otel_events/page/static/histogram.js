/** The events over time, stacked by name; dragging over it, or the arrow keys, filter by time. */

import { drawStack } from "./chart.js";
import { colourOf } from "./colour.js";
import { byId, el } from "./dom.js";
import { count, counted, isUtc, moment, nameText, parts, toMs } from "./format.js";
import { navigate } from "./state.js";

const STEPS_MS = [1, 5, 10, 50, 100, 500, 1e3, 5e3, 15e3, 30e3, 6e4, 3e5, 9e5, 18e5, 36e5, 108e5, 216e5, 432e5, 864e5, 6048e5, 2592e6, 7776e6, 31536e6];
const HEIGHT = 84;
const BOTTOM = 18;
const TICK_PX = 110;
const DRAG_PX = 4;

export class Histogram {
  #data = null;
  #classes = [];
  #from = 0;
  #to = 0; // the bucket that the keyboard or pointer is on, and the other end of the range
  #pressed = null;

  constructor() {
    const chart = byId("chart");
    chart.addEventListener("pointerdown", (event) => this.#press(event));
    chart.addEventListener("pointermove", (event) => this.#pointed(event));
    chart.addEventListener("pointerup", (event) => this.#release(event));
    chart.addEventListener("pointercancel", () => this.#letGo());
    chart.addEventListener("pointerleave", () => { byId("tip").hidden = true; });
    chart.addEventListener("keydown", (event) => this.#key(event));
    chart.addEventListener("blur", () => this.#letGo());
    chart.addEventListener("focus", () => { this.#from = this.#to = Math.max(0, this.#length - 1); this.#say(); });
    new ResizeObserver(() => this.draw()).observe(chart);
  }

  /** How many buckets fit. */
  get buckets() {
    return Math.max(20, Math.min(120, Math.round(byId("chart").clientWidth / 10)));
  }

  get #length() {
    return this.#data?.series[0]?.counts.length ?? 0;
  }

  /** Show an answer of the server. */
  show(data) {
    this.#data = data;
    const total = data.series.reduce((sum, series) => sum + series.counts.reduce((one, other) => one + other, 0), 0);
    byId("total").textContent = counted(total, "event");
    const seen = new Set();
    this.#classes = data.series.map(({ name }) => {
      const colour = colourOf(name);
      const again = seen.has(colour); // two names of one colour are told apart by its strength
      seen.add(colour);
      return again ? `${colour} again` : colour;
    });
    byId("legend").replaceChildren(...data.series.map(({ name, other }, index) =>
      el("li", {}, el("span", { class: `mark ${this.#classes[index]}` }), el("bdi", { text: other ? "others" : nameText(name) }))));
    byId("chart").setAttribute("aria-valuemax", Math.max(0, this.#length - 1));
    if (this.#pressed === null && document.activeElement !== byId("chart")) this.#letGo();
    this.draw();
    this.#say();
    return total;
  }

  draw() {
    const chart = byId("chart");
    const width = chart.clientWidth;
    if (this.#data === null || width === 0) return;
    const { series } = this.#data;
    const columns = Array.from({ length: this.#length }, (_, index) => series.map(({ counts }) => counts[index]));
    const highest = drawStack(chart.querySelector("svg"), columns, this.#classes,
      { width, height: HEIGHT, bottom: BOTTOM });
    byId("highest").textContent = highest > 0 ? count(highest) : "";
    this.#drawTicks(width);
  }

  #drawTicks(width) {
    const [from, to] = [toMs(this.#data.from_ns), toMs(this.#data.to_ns)];
    const span = Math.max(1, to - from);
    const step = STEPS_MS.find((each) => span / each <= width / TICK_PX) ?? STEPS_MS[STEPS_MS.length - 1];
    const offset = isUtc() ? 0 : -new Date(from).getTimezoneOffset() * 60_000;
    const ticks = [];
    for (let at = Math.ceil((from + offset) / step) * step - offset; at < to && ticks.length < 40; at += step) {
      const left = ((at - from) / span) * width;
      if (left < 12 || left > width - 30) continue;
      const tick = el("span", { text: this.#label(at, step) });
      tick.style.left = `${left}px`;
      ticks.push(tick);
    }
    byId("ticks").replaceChildren(...ticks);
  }

  #label(ms, step) {
    const { clock, seconds, year, month } = parts(ms);
    if (step >= 31536e6) return String(year);
    const date = new Date(ms).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: isUtc() ? "UTC" : undefined });
    if (step >= 864e5) return step >= 2592e6 ? `${year}-${String(month + 1).padStart(2, "0")}` : date;
    if (clock === "00:00" && step >= 6e4) return date;
    return step >= 6e4 ? clock : step >= 1e3 ? `${clock}:${seconds.slice(0, 2)}` : `${seconds} s`;
  }

  #edge(index) {
    return BigInt(this.#data.from_ns) + BigInt(index) * BigInt(this.#data.width_ns);
  }

  #text(first, last) {
    const counts = this.#data.series.map(({ name, other, counts: all }) =>
      [other ? "others" : nameText(name), all.slice(first, last + 1).reduce((sum, each) => sum + each, 0)]);
    const total = counts.reduce((sum, [, each]) => sum + each, 0);
    return { range: `${moment(this.#edge(first))} to ${moment(this.#edge(last + 1))}`, total, counts: counts.filter(([, each]) => each > 0) };
  }

  #say() {
    if (this.#length === 0) return;
    const [first, last] = [Math.min(this.#from, this.#to), Math.max(this.#from, this.#to)];
    const { range, total, counts } = this.#text(first, Math.min(last, this.#length - 1));
    const chart = byId("chart");
    chart.setAttribute("aria-valuenow", Math.min(this.#to, this.#length - 1));
    chart.setAttribute("aria-valuetext", `${range}: ${counted(total, "event")}. ${counts.map(([name, each]) => `${name} ${each}`).join(", ")}`);
  }

  #at(event) {
    const box = byId("chart").getBoundingClientRect();
    const index = Math.floor(((event.clientX - box.left) / box.width) * this.#length);
    return Math.max(0, Math.min(this.#length - 1, index));
  }

  #brush(first, last) {
    const brush = byId("brush");
    brush.hidden = false;
    brush.style.left = `${(first / this.#length) * 100}%`;
    brush.style.width = `${((last + 1 - first) / this.#length) * 100}%`;
  }

  #letGo() {
    this.#pressed = null;
    byId("brush").hidden = true;
  }

  #press(event) {
    if (event.button !== 0 || this.#length === 0) return;
    byId("chart").setPointerCapture(event.pointerId);
    this.#pressed = { x: event.clientX, index: this.#at(event) };
  }

  #pointed(event) {
    if (this.#length === 0) return;
    const index = this.#at(event);
    const from = this.#pressed?.index ?? index;
    const [first, last] = [Math.min(from, index), Math.max(from, index)];
    if (this.#pressed && Math.abs(event.clientX - this.#pressed.x) > DRAG_PX) this.#brush(first, last);
    const { range, total, counts } = this.#text(first, last);
    const tip = byId("tip");
    tip.hidden = false;
    tip.replaceChildren(el("strong", { text: counted(total, "event") }), el("span", { class: "dim", text: range }),
      ...counts.map(([name, each]) => el("span", { class: "line" }, el("bdi", { text: name }), el("span", { text: count(each) }))));
    const box = byId("chart").getBoundingClientRect();
    const x = event.clientX - box.left;
    tip.style.left = `${Math.max(0, Math.min(box.width - tip.offsetWidth, x + 14 + tip.offsetWidth > box.width ? x - tip.offsetWidth - 14 : x + 14))}px`;
  }

  #release(event) {
    const pressed = this.#pressed;
    this.#letGo();
    if (pressed === null || Math.abs(event.clientX - pressed.x) <= DRAG_PX) return;
    const index = this.#at(event);
    this.#filter(Math.min(pressed.index, index), Math.max(pressed.index, index));
  }

  #filter(first, last) {
    byId("tip").hidden = true;
    navigate({ from: String(this.#edge(first)), to: String(this.#edge(last + 1)) });
  }

  #key(event) {
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity }[event.key];
    if (by !== undefined && this.#length > 0) {
      this.#to = Math.max(0, Math.min(this.#length - 1, this.#to + by));
      if (!event.shiftKey) this.#from = this.#to;
      this.#brush(Math.min(this.#from, this.#to), Math.max(this.#from, this.#to));
      this.#say();
    } else if (event.key === "Enter" && this.#length > 0) {
      this.#filter(Math.min(this.#from, this.#to), Math.max(this.#from, this.#to));
    } else if (event.key === "Escape" && !byId("brush").hidden) {
      this.#from = this.#to;
      this.#letGo();
      this.#say();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
