/** What stands around the list: the bar with its switches, the time range, pause and resume, the connection. */

import { announce, byId, el, oneLine } from "./dom.js";
import { isUtc, moment, setUtc } from "./format.js";
import { addressOf, follow, navigate, state } from "./state.js";

const RANGES = [["", "All time"], ["-15m", "Last 15 minutes"], ["-1h", "Last hour"], ["-1d", "Last 24 hours"], ["-7d", "Last 7 days"]];
const CONNECTIONS = {
  connecting: "Connecting", live: "Live", paused: "Paused", lost: "Connection lost, trying again", refused: "Signed out", trouble: "Trouble",
};

let connection = "connecting";

/** Show how the connection is; a change is said as well. */
export function showConnection(now, text = "") {
  const before = connection;
  connection = now;
  const shown = now === "live" && state.live === "0" ? "paused" : now;
  byId("connection").hidden = shown === "connecting" && state.view !== "events"; // the other views do not need one
  byId("connection").dataset.state = shown;
  byId("connection-text").textContent = CONNECTIONS[shown];
  byId("connection").title = oneLine(text, 500);
  if (now !== before && now === "live" && before !== "connecting") announce("Connected again");
  else if (now !== before && now !== "live") announce(CONNECTIONS[now]);
}

function rangeText() {
  if (/^-/.test(state.from)) return `${state.from} on`;
  return `${state.from === "" ? "…" : moment(state.from)} – ${state.to === "" ? "now" : moment(state.to)}`;
}

function showRange() {
  const select = byId("range");
  const known = state.to === "" && RANGES.some(([value]) => value === state.from);
  select.replaceChildren(...RANGES.map(([value, text]) => el("option", { value, text })));
  if (!known) select.append(el("option", { value: "own", text: rangeText() }));
  select.value = known ? state.from : "own";
}

/** Show what of the state stands in the frame. */
export function showFrame(changed) {
  if (changed.has("from") || changed.has("to")) showRange();
  const paused = state.live === "0";
  byId("live-text").textContent = paused ? "Resume" : "Pause";
  byId("live-icon").setAttribute("href", paused ? "#i-play" : "#i-pause");
  if (changed.has("live") || changed.has("view")) showConnection(connection);
  byId("zone-text").textContent = isUtc() ? "UTC" : "Local";
  byId("zone").setAttribute("aria-label", `Times: ${isUtc() ? "UTC" : "local"}`);
  for (const [id, view] of [["go-events", "events"], ["go-catalog", "catalog"]]) {
    byId(id).setAttribute("href", addressOf({ view, event: "", actor: "" }));
    if (state.view === view) byId(id).setAttribute("aria-current", "page");
    else byId(id).removeAttribute("aria-current");
  }
  document.title = state.view === "actor" ? `${oneLine(state.actor, 60)} – otel-events` : state.view === "catalog" ? "Catalogue – otel-events" : "otel-events";
}

function switchTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
  announce(`${dark ? "Light" : "Dark"} theme`);
}

/** Make the switches act; `redraw()` is called when times look different. */
export function prepareFrame(redraw) {
  byId("theme").addEventListener("click", switchTheme);
  byId("zone").addEventListener("click", () => {
    setUtc(!isUtc());
    announce(`Times are ${isUtc() ? "UTC" : "local"}`);
    redraw();
  });
  byId("live").addEventListener("click", () => navigate({ live: state.live === "1" ? "0" : "1" }, { replace: true }));
  byId("range").addEventListener("change", (event) => { if (event.target.value !== "own") navigate({ from: event.target.value, to: "" }); });
  byId("filters").addEventListener("click", () => {
    const open = byId("facets").classList.toggle("open");
    byId("filters").setAttribute("aria-expanded", String(open));
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-go], #go-events, #go-catalog, .brand");
    if (link === null || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    follow(link.getAttribute("href"));
  });
}
