/** What is shown, as the query string of the address has it: an address that is sent shows the same. */

const DEFAULTS = {
  view: "events", q: "", from: "", to: "", event: "", actor: "", columns: "", facets: "", live: "1",
};
const RELATIVE = /^-(\d{1,4})([mhd])$/;
const NS = { m: 60_000_000_000n, h: 3_600_000_000_000n, d: 86_400_000_000_000n };

const listeners = [];

/** What is shown now; changed by `navigate` alone. */
export const state = {};

function read() {
  const given = new URLSearchParams(location.search);
  for (const [key, value] of Object.entries(DEFAULTS)) state[key] = given.get(key) ?? value;
  for (const key of ["from", "to"]) if (!/^\d{1,19}$/.test(state[key]) && !RELATIVE.test(state[key])) state[key] = "";
  if (!/^\d{1,19}$/.test(state.event)) state.event = "";
  if (!["events", "catalog", "actor"].includes(state.view)) state.view = "events";
}

function tell(before) {
  const changed = new Set(Object.keys(DEFAULTS).filter((key) => before === null || before[key] !== state[key]));
  if (changed.size > 0) for (const listener of listeners) listener(changed);
}

/** The address of the page as it is now with these changes. */
export function addressOf(changes) {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries({ ...state, ...changes })) {
    if (value !== DEFAULTS[key]) parameters.set(key, value);
  }
  const text = parameters.toString();
  return text === "" ? location.pathname : `?${text}`;
}

/** Show something else; it becomes an entry of the history, unless it replaces the last one. */
export function navigate(changes, { replace = false } = {}) {
  const before = { ...state };
  const address = addressOf(changes);
  Object.assign(state, changes);
  history[replace ? "replaceState" : "pushState"](null, "", address);
  tell(before);
}

/** Go to an address of this page, as a link has it. */
export function follow(href) {
  const before = { ...state };
  history.pushState(null, "", href);
  read();
  tell(before);
}

/** Call the listener with the set of changed keys whenever the state changes. */
export function subscribe(listener) {
  listeners.push(listener);
}

function bound(text) {
  const relative = RELATIVE.exec(text);
  return relative ? String(BigInt(Date.now()) * 1_000_000n - BigInt(relative[1]) * NS[relative[2]]) : text;
}

/** A list of keys as one text of the address, and back; what is no such text gives no keys. */
export const listText = (keys) => keys.map(encodeURIComponent).join(",");
export function list(text) {
  try {
    return text.split(",").filter(Boolean).map(decodeURIComponent);
  } catch {
    return [];
  }
}

/** The filter as the API wants it; times relative to now are fixed at this moment. */
export function filter() {
  return { q: state.q, from: bound(state.from), to: bound(state.to) };
}

/** Begin: read the address, tell all listeners, and follow back and forward. */
export function begin() {
  read();
  addEventListener("popstate", () => {
    const before = { ...state };
    read();
    tell(before);
  });
  tell(null);
}
