/** Which attributes are columns of the list: those one chose, else the typed fields where one name is chosen. */

import { byId } from "./dom.js";
import { openMenu } from "./menu.js";
import { valueOf } from "./query.js";
import { list, listText, navigate, state } from "./state.js";

const AUTOMATIC = 5;
const MAX_SHOWN = 12;
const SAMPLE = 200;
const MAX_OFFERED = 60;
const ELSEWHERE = new Set(["log.record.uid", "user.id", "user.hash", "user.name", "otel_events.event.version"]);

const NONE = "-"; // chosen, and none: tells it apart from what nobody chose

/** The keys of the attributes that the events have, the most frequent first. */
function keysOf(events) {
  const counts = new Map();
  for (const event of events.slice(0, SAMPLE)) {
    for (const { key } of event.attributes) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts.keys()].filter((key) => !ELSEWHERE.has(key)).sort((one, other) => counts.get(other) - counts.get(one));
}

/** The keys of the columns for these events. */
export function columnsFor(events) {
  if (state.columns === NONE) return [];
  if (state.columns !== "") return list(state.columns).slice(0, MAX_SHOWN);
  return valueOf(state.q, "name") === null ? [] : keysOf(events).slice(0, AUTOMATIC);
}

/** Show these attributes as columns. */
export function chooseColumns(keys) {
  navigate({ columns: keys.length === 0 ? NONE : listText(keys) });
}

/** Put a column in, or take it out. */
export function toggleColumn(key, shown) {
  chooseColumns(shown.includes(key) ? shown.filter((other) => other !== key) : [...shown, key]);
}

/** Open the menu that chooses them. */
export function openColumns(events) {
  const shown = columnsFor(events);
  const offered = [...new Set([...shown, ...keysOf(events)])].slice(0, MAX_OFFERED);
  const entries = offered.map((key) => ({
    label: key, checked: shown.includes(key), stays: true, run: () => toggleColumn(key, columnsFor(events)),
  }));
  const reset = { label: "Back to the usual ones", run: () => navigate({ columns: "" }) };
  openMenu(byId("columns"), "Columns", entries.length === 0 ? [{ label: "No attributes here" }] : [...entries, reset]);
}
