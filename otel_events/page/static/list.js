/** The list: of the loaded rows only those near the window are elements, so that ten thousand are as quick as ten. */

import { colourOf } from "./colour.js";
import { columnsFor } from "./columns.js";
import { byId, el, oneLine } from "./dom.js";
import { day, exact, nameText, parts, toMs, valueText } from "./format.js";

const OVERSCAN = 12;
const NEAR_END = 60;
const READING_MS = 1500;

const isNumber = (event, key) => ["int", "double"].includes(event?.attributes.find((each) => each.key === key)?.type);

export class List {
  #rows;
  #on;
  #shown = new Map();
  #columns = [];
  #active = -1;
  #height = 30;
  #pointed = 0;
  #frame = 0;
  #fresh = new Set();
  selected = null;

  /** `on` has `open(event)`, `more()` when the end is near, and `idle()` when the reader looks at the newest again. */
  constructor(rows, on) {
    this.#rows = rows;
    this.#on = on;
    const grid = byId("grid");
    grid.addEventListener("scroll", () => this.#later(), { passive: true });
    grid.addEventListener("pointermove", () => { this.#pointed = Date.now(); }, { passive: true });
    grid.addEventListener("click", (event) => this.#clicked(event));
    new ResizeObserver(() => this.draw()).observe(grid);
  }

  /** Whether someone reads here right now, so that nothing may move. */
  get isRead() {
    return byId("grid").scrollTop > 0 || this.selected !== null || Date.now() - this.#pointed < READING_MS
      || (this.#active > 0 && byId("grid").contains(document.activeElement));
  }

  /** Show the rows from the top. */
  restart() {
    this.#active = -1;
    byId("grid").scrollTop = 0;
    this.draw();
  }

  /** Say which ids are new, so that they are seen to be. */
  mark(ids) {
    this.#fresh = ids.size < 100 ? ids : new Set();
  }

  /** The event of the row that the keyboard is on. */
  get active() {
    return this.#rows.items[this.#active] ?? null;
  }

  /** Move the keyboard's row by so many rows; gives its event. */
  move(by) {
    const last = this.#rows.items.length - 1;
    if (last < 0) return null;
    const from = this.#active < 0 ? (by > 0 ? -1 : 0) : this.#active;
    return this.#go(Math.max(0, Math.min(last, from + by)));
  }

  /** Put the keyboard's row on the event with this id, where it is loaded. */
  find(id) {
    const index = this.#rows.items.findIndex((event) => String(event.id) === String(id));
    if (index >= 0 && index !== this.#active) this.#go(index);
  }

  get pageRows() {
    return Math.max(1, Math.floor(byId("grid").clientHeight / this.#height) - 2);
  }

  /** After rows were put in: the keyboard's row and the scrolled place stay on the same events. */
  keepPlace(change) {
    const grid = byId("grid");
    const active = this.active;
    const top = this.#rows.items[Math.floor(grid.scrollTop / this.#height)];
    const scrolled = grid.scrollTop;
    const result = change();
    if (active !== null) this.#active = this.#rows.items.indexOf(active);
    if (scrolled > 0 && top !== undefined) {
      const index = this.#rows.items.indexOf(top);
      this.draw();
      if (index >= 0) grid.scrollTop = index * this.#height + (scrolled % this.#height);
    }
    this.draw();
    return result;
  }

  #go(index) {
    const grid = byId("grid");
    this.#active = index;
    const head = byId("head").offsetHeight;
    const top = index * this.#height;
    if (top < grid.scrollTop) grid.scrollTop = top;
    else if (top + this.#height > grid.scrollTop + grid.clientHeight - head) {
      grid.scrollTop = top + this.#height - grid.clientHeight + head;
    }
    this.draw();
    return this.active;
  }

  #clicked(event) {
    const row = event.target.closest("[data-id]");
    const index = row === null ? -1 : this.#rows.items.findIndex((item) => String(item.id) === row.dataset.id);
    if (index < 0 || String(getSelection()) !== "") return;
    this.#active = index;
    this.draw();
    this.#on.open(this.#rows.items[index]);
  }

  #later() {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.draw();
      if (!this.isRead) this.#on.idle();
    });
  }

  /** Draw what is in the window. */
  draw() {
    const grid = byId("grid");
    const items = this.#rows.items;
    if (grid.clientHeight === 0) return;
    this.#setColumns(columnsFor(items));
    this.#height = parseFloat(getComputedStyle(grid).getPropertyValue("--row")) || 30;
    const first = Math.max(0, Math.floor(grid.scrollTop / this.#height) - OVERSCAN);
    const last = Math.min(items.length, Math.ceil((grid.scrollTop + grid.clientHeight) / this.#height) + OVERSCAN);
    const body = byId("rows");
    body.style.height = `${items.length * this.#height}px`;
    grid.setAttribute("aria-rowcount", this.#rows.next === null ? items.length + 1 : -1);
    const wanted = new Map(items.slice(first, last).map((event) => [event.id, this.#shown.get(event.id)]));
    for (const [id, row] of this.#shown) if (!wanted.has(id)) row.remove();
    let next = body.firstElementChild; // elements stand in the order of the rows, for those who have them read out
    for (let index = first; index < last; index++) {
      const event = items[index];
      const row = wanted.get(event.id) ?? this.#row(event);
      if (row === next) next = row.nextElementSibling;
      else body.insertBefore(row, next);
      row.style.transform = `translateY(${index * this.#height}px)`;
      row.setAttribute("aria-rowindex", index + 2);
      row.setAttribute("aria-selected", String(event.id) === this.selected);
      row.classList.toggle("active", index === this.#active);
      wanted.set(event.id, row);
    }
    this.#shown = wanted;
    const active = this.#active >= first && this.#active < last ? `row-${items[this.#active]?.id}` : null;
    if (active) grid.setAttribute("aria-activedescendant", active);
    else grid.removeAttribute("aria-activedescendant");
    if (this.#rows.next !== null && last > items.length - NEAR_END) this.#on.more();
  }

  /** Forget what is drawn: times or columns look different now. */
  redraw() {
    for (const row of this.#shown.values()) row.remove();
    this.#shown = new Map();
    this.draw();
  }

  #setColumns(columns) {
    if (byId("head").childElementCount > 0 && columns.join("\n") === this.#columns.join("\n")) return;
    this.#columns = columns;
    const cell = (text, kind, key) => el("div", { role: "columnheader", class: `cell ${kind}`, text, title: key && oneLine(key) });
    byId("head").replaceChildren(el("div", { role: "row", class: "row", "aria-rowindex": "1" },
      cell("Time", "time"), cell("Name", "name"), cell("Actor", "actor"), cell("Service", "service"),
      ...columns.map((key) => cell(oneLine(key.split(".").pop(), 60), isNumber(this.#rows.items[0], key) ? "field number" : "field", key)), cell("Event", "line")));
    byId("grid").style.setProperty("--fields", Math.max(1, columns.length));
    byId("grid").classList.toggle("with-fields", columns.length > 0);
    for (const row of this.#shown.values()) row.remove();
    this.#shown = new Map();
  }

  #row(event) {
    const ms = toMs(event.ns);
    const { clock, seconds } = parts(ms);
    const when = day(ms);
    const cell = (kind, ...children) => el("div", { role: "gridcell", class: `cell ${kind}` }, ...children);
    const severity = event.severity_number >= 17 ? "error" : event.severity_number >= 13 ? "warn" : "";
    const fields = new Map(event.attributes.map((attribute) => [attribute.key, attribute]));
    return el("div", {
      role: "row", id: `row-${event.id}`, "data-id": event.id, class: `row ${severity}${this.#fresh.has(event.id) ? " fresh" : ""}`,
    },
    cell("time", el("time", { datetime: new Date(ms).toISOString(), title: `${exact(event.ns)} (UTC)` },
      el("span", { class: "day", text: when }), ` ${clock}:${seconds.slice(0, 2)}`, when.length < 9 && el("span", { class: "ms", text: seconds.slice(2) }))),
    cell("name", el("span", { class: `mark ${colourOf(event.name)}` }), el("bdi", { class: colourOf(event.name), text: nameText(event.name) })),
    cell("actor", el("bdi", { text: event.actor === null ? "–" : oneLine(event.actor, 120), class: event.actor === null ? "dim" : null })),
    cell("service", el("bdi", { text: event.service === null ? "–" : oneLine(event.service, 120) })),
    ...this.#columns.map((key) => {
      const found = fields.get(key);
      return cell(isNumber(event, key) ? "field number" : "field", el("bdi", { text: found === undefined ? "" : oneLine(valueText(found), 120) }));
    }),
    cell("line", severity && el("span", { class: `severity ${severity}`, text: oneLine(event.severity_text || severity.toUpperCase(), 12) }),
      el("bdi", { text: event.body === null ? "" : oneLine(event.body) })));
  }
}
