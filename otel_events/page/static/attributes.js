/** The attributes of an event: key, type and value of each, and what one can do with it. */

import { copyButton, el, oneLine, visible } from "./dom.js";
import { readable, valueText } from "./format.js";
import { openMenu } from "./menu.js";
import { canAsk, keyText, term, toggled } from "./query.js";
import { navigate, state } from "./state.js";

const SHORT = 1_500;
const FIRST = 100;

function actions(attribute, { facet, column, columns }) {
  const { key, type } = attribute;
  const value = valueText(attribute);
  const entries = [];
  if (["string", "int", "double", "bool"].includes(type) && canAsk(key, value)) {
    entries.push({ label: "Only with this value", run: () => navigate({ q: toggled(state.q, term(key, value)) }) },
      { label: "Without this value", run: () => navigate({ q: toggled(state.q, term(key, value, { negated: true })) }) });
  }
  if (canAsk(key, null)) entries.push({ label: "Only where it is set", run: () => navigate({ q: toggled(state.q, `${keyText(key)}:*`) }) });
  entries.push({ label: "Count its values", run: () => facet(key) },
    { label: columns().includes(key) ? "No longer a column" : "As a column", run: () => column(key) },
    { label: "Copy the value", run: () => copyButton(() => value, oneLine(key, 80)).click() });
  return entries;
}

function valueCell(attribute) {
  const text = readable(attribute);
  if (text.length <= SHORT) return el("td", { class: `value ${attribute.type}` }, el("bdi", { text }));
  const shown = el("bdi", { text: `${text.slice(0, SHORT)}…` });
  const cell = el("td", { class: `value ${attribute.type}` }, shown);
  const button = el("button", { class: "small", type: "button", text: `Show all ${text.length.toLocaleString("en")} characters`, on: { click: () => {
    shown.textContent = text;
    cell.classList.add("long");
    button.remove();
  } } });
  cell.append(button);
  return cell;
}

function row(attribute, on) {
  const label = oneLine(attribute.key, 200) || "(empty)";
  const button = on === null ? el("bdi", { text: label }) : el("button", {
    class: "bare key", type: "button", "aria-haspopup": "menu", "aria-label": `${label}: what to do with it`,
    on: { click: () => openMenu(button, label, actions(attribute, on)) },
  }, el("bdi", { text: label }));
  return el("tr", {}, el("th", { scope: "row" }, button), el("td", { class: "type", text: visible(attribute.type, 20) }), valueCell(attribute));
}

/** A table of attributes; `on` has `facet(key)`, `column(key)` and `columns()`, or is null where nothing can be done. */
export function attributesTable(attributes, caption, on) {
  if (attributes.length === 0) return el("p", { class: "dim", text: "None." });
  const body = el("tbody", {}, attributes.slice(0, FIRST).map((attribute) => row(attribute, on)));
  const table = el("table", { class: "attributes" }, el("caption", { class: "unseen", text: caption }),
    el("colgroup", {}, ["key-column", "type-column", "value-column"].map((name) => el("col", { class: name }))),
    el("thead", { class: "unseen" }, el("tr", {}, ["Key", "Type", "Value"].map((text) => el("th", { scope: "col", text })))), body);
  if (attributes.length <= FIRST) return table;
  const rest = el("button", { class: "small", type: "button", text: `Show all ${attributes.length}`, on: { click: () => {
    body.append(...attributes.slice(FIRST).map((attribute) => row(attribute, on)));
    rest.remove();
  } } });
  return el("div", {}, table, rest);
}
