/** The page as a whole: what follows from a change of the state, and from what comes in. */

import { Asking, ask, isAborted } from "./api.js";
import { EventPanel } from "./event.js";
import { Facets, toggleFacet } from "./facets.js";
import { columnsFor, openColumns, toggleColumn } from "./columns.js";
import { announce, byId } from "./dom.js";
import { openDownload } from "./download.js";
import { nothingFits, welcome } from "./empty.js";
import { count, counted } from "./format.js";
import { prepareFrame, showConnection, showFrame } from "./frame.js";
import { Histogram } from "./histogram.js";
import { prepareKeys, openHelp } from "./keys.js";
import { List } from "./list.js";
import { Live } from "./live.js";
import { prepareMenu } from "./menu.js";
import { showPage } from "./pages.js";
import { Rows } from "./rows.js";
import { Search } from "./search.js";
import { begin, filter, navigate, state, subscribe } from "./state.js";

const FIRST_PAGE = 200;
const PAGE = 500;
const REFRESH_MS = 2000;
const FLOOD_MS = 400;
const NARROW = matchMedia("(max-width: 1100px)");

const rows = new Rows();
const asking = new Asking();
const counting = new Asking();
const search = new Search();
const histogram = new Histogram();
const facets = new Facets();
const list = new List(rows, { open: (event) => open(event, NARROW.matches), more, idle: () => { if (state.live === "1") release(); } });
const panel = new EventPanel({
  facet: toggleFacet,
  column: (key) => toggleColumn(key, columnsFor(rows.items)),
  columns: () => columnsFor(rows.items),
  step: (by) => step(by),
  closed: () => byId("grid").focus(),
});
const live = new Live(arrived, showConnection);

let within = filter(); // what is loaded
let loading = false;
let extending = false;
let refreshTimer = 0;
let releaseTimer = 0;
let wait = REFRESH_MS;

function problem(error) {
  if (isAborted(error)) return;
  if (error.status === 400 && error.from !== undefined && error.from !== null) search.fail(error);
  else showConnection(error.status === 401 || error.status === 403 ? "refused" : error.status === 0 ? "lost" : "trouble", error.message);
  announce(error.message);
}

/** Show the newest. In a flood they are behind at once, so then what follows them goes on, and counting waits for its turn. */
async function load({ isFlood = false } = {}) {
  loading = true;
  const wanted = filter();
  search.fail(null);
  byId("events").setAttribute("aria-busy", "true");
  try {
    const answer = await asking.ask("events", { ...wanted, limit: FIRST_PAGE });
    within = wanted;
    rows.reset(answer);
    list.restart();
    if (!isFlood) live.start(within, answer.newest_id);
    await showEmpty();
    showWaiting();
    if (!isFlood) await refresh();
  } catch (error) {
    problem(error);
    if (error.status === 400 || isAborted(error)) return;
    refreshTimer = setTimeout(load, REFRESH_MS * 2);
  } finally {
    loading = false;
    byId("events").removeAttribute("aria-busy");
  }
}

/** Count again: the histogram and the facets. A slow database is asked less often. */
async function refresh() {
  clearTimeout(refreshTimer);
  const begun = performance.now();
  const now = { ...filter(), q: within.q }; // times relative to now move on; a search text that is wrong does not count
  refreshTimer = -1;
  try {
    const [answer] = await Promise.all([counting.ask("histogram", { ...now, buckets: histogram.buckets }), facets.load(now)]);
    const total = histogram.show(answer);
    if (loading) announce(`${counted(total, "event")} ${now.q === "" ? "" : "fit"}`);
  } catch (error) {
    problem(error);
  }
  refreshTimer = 0;
  return performance.now() - begun;
}

function refreshSoon() {
  if (refreshTimer !== 0) return;
  refreshTimer = setTimeout(async () => { wait = Math.max(REFRESH_MS, 10 * await refresh()); }, wait);
}

async function showEmpty() {
  const empty = byId("empty");
  empty.hidden = rows.items.length > 0;
  byId("grid").classList.toggle("without", !empty.hidden);
  if (empty.hidden) byId("events").classList.remove("blank");
  if (empty.hidden) return;
  const status = await ask("status", {});
  byId("events").classList.toggle("blank", status.total === 0);
  empty.replaceChildren(status.total === 0 ? welcome(status) : nothingFits());
}

async function more() {
  if (extending || loading || rows.next === null || rows.isFull) return;
  extending = true;
  try {
    rows.extend(await asking.ask("events", { ...within, ...rows.more, limit: PAGE }));
    extending = false;
    list.draw();
  } catch (error) {
    problem(error);
  }
  extending = false;
}

function arrived(events, skipped) {
  rows.hold(events, skipped);
  if (rows.waitingCount === 0) return;
  if (state.live === "1" && !list.isRead && !rows.hasGap) release();
  else showWaiting();
  // Someone who reads may stop, and a flood is asked for once in a while.
  if (rows.waitingCount > 0) releaseTimer ||= setTimeout(releaseLater, FLOOD_MS);
  if (state.live === "1") refreshSoon();
}

function releaseLater() {
  releaseTimer = 0;
  if (state.live === "1" && !list.isRead) release();
}

/** Show what waits, where it belongs. */
function release() {
  if (rows.waitingCount === 0) return;
  if (rows.hasGap) {
    load({ isFlood: true });
    return;
  }
  list.keepPlace(() => list.mark(rows.release()));
  if (!byId("empty").hidden) showEmpty();
  showWaiting();
}

function showWaiting() {
  const waiting = byId("waiting");
  waiting.hidden = rows.waitingCount === 0;
  waiting.lastElementChild.textContent = `${count(rows.waitingCount)} new`;
  waiting.setAttribute("aria-label", `Show ${counted(rows.waitingCount, "new event")}`);
}

function catchUp() {
  const focused = document.activeElement === byId("waiting");
  release();
  byId("grid").scrollTop = 0;
  refreshSoon();
  if (focused) byId("grid").focus();
}

function open(event, focus) {
  navigate({ event: String(event.id) }, { replace: state.event !== "" });
  if (focus) panel.show({ focus: true });
}

function step(by) {
  if (state.view !== "events") return;
  const event = list.move(by);
  if (event !== null && state.event !== "") open(event, false);
}

function find() {
  if (state.view === "actor") navigate({ view: "events", actor: "" });
  const box = state.view === "catalog" ? byId("page").querySelector("input") : byId("q");
  box?.focus();
  box?.select();
}

function close() {
  if (byId("facets").classList.contains("open")) byId("filters").click();
  if (state.event === "") return;
  navigate({ event: "" });
  byId("grid").focus();
}

function redraw() {
  showFrame(new Set(["from"]));
  list.redraw();
  histogram.draw();
  if (state.view !== "events") showPage(problem);
  else panel.again();
}

subscribe((changed) => {
  const isList = state.view === "events";
  showFrame(changed);
  byId("events").hidden = !isList;
  byId("page").hidden = isList;
  if (changed.has("q")) search.show();
  list.selected = state.event === "" ? null : state.event;
  if (isList && ["view", "q", "from", "to"].some((key) => changed.has(key))) load();
  else if (isList && changed.has("facets")) facets.load(within).catch(problem);
  if (isList && changed.has("live") && state.live === "1") catchUp();
  if (isList) panel.show();
  if (isList && state.event !== "") list.find(state.event);
  list.draw();
  if (!isList && ["view", "actor", "from", "to"].some((key) => changed.has(key))) {
    byId("page").replaceChildren();
    showPage(problem);
  }
});

prepareMenu();
byId("help").addEventListener("click", openHelp);
prepareFrame(redraw);
byId("waiting").addEventListener("click", catchUp);
byId("columns").addEventListener("click", () => openColumns(rows.items));
byId("download").addEventListener("click", () => openDownload(columnsFor(rows.items)));
byId("grid").addEventListener("keydown", (event) => {
  const by = { ArrowDown: 1, ArrowUp: -1, PageDown: list.pageRows, PageUp: -list.pageRows, Home: -Infinity, End: Infinity }[event.key];
  if (by !== undefined) step(by);
  else if (event.key === "Enter" && list.active !== null) open(list.active, true);
  else return;
  event.preventDefault();
});

const toList = () => { if (document.activeElement.closest("#panel") === null) byId("grid").focus({ preventScroll: true }); };
prepareKeys({
  j: () => { toList(); step(1); }, k: () => { toList(); step(-1); }, "/": find,
  "?": openHelp, Escape: close, p: () => byId("live").click(), n: catchUp, h: () => byId("chart").focus(),
  e: () => byId("go-events").click(), c: () => byId("go-catalog").click(), u: () => byId("zone").click(), t: () => byId("theme").click(),
});
begin();
