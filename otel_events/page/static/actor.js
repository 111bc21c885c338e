/** The page of one actor: how much, since when, on which days, and what. */

import { Asking } from "./api.js";
import { drawStack } from "./chart.js";
import { colourOf } from "./colour.js";
import { el, oneLine, svg } from "./dom.js";
import { eventLinks } from "./event.js";
import { count, counted, nameText, time } from "./format.js";
import { canAsk, term } from "./query.js";
import { addressOf, filter, state } from "./state.js";

const DAY_MS = 86_400_000;
const MIN_DAYS = 30;
const MAX_DAYS = 366;
const RECENT = 20;

const asking = new Asking();
const recently = new Asking();

/** The days from the first to the last, those without events too: a month at least, a year at most. */
function allDays(days) {
  if (days.length === 0) return [];
  const by = new Map(days.map(({ day, counts }) => [day, counts]));
  const last = Date.parse(days[days.length - 1].day);
  const earliest = Math.min(Date.parse(days[0].day), last - (MIN_DAYS - 1) * DAY_MS);
  const first = Math.max(earliest, last - (MAX_DAYS - 1) * DAY_MS);
  const list = [];
  for (let at = first; at <= last; at += DAY_MS) {
    const day = new Date(at).toISOString().slice(0, 10);
    list.push({ day, counts: by.get(day) ?? {} });
  }
  return list;
}

function daysChart(answer) {
  const days = allDays(answer.days);
  const names = answer.names.map(({ name }) => name ?? "");
  const chart = svg("svg", { class: "days", role: "img", preserveAspectRatio: "none", "aria-label": `Events a day, ${days.length} days` });
  const highest = drawStack(chart, days.map(({ counts }) => names.map((name) => counts[name] ?? 0)), names.map(colourOf), { width: 1000, height: 120, bottom: 1 });
  days.forEach(({ day, counts }, index) => {
    const total = Object.values(counts).reduce((sum, each) => sum + each, 0);
    const zone = svg("rect", { class: "zone", x: (index * 1000) / days.length, y: 0, width: 1000 / days.length, height: 120 });
    zone.append(svg("title", { text: `${day}: ${counted(total, "event")}` }));
    chart.append(zone);
  });
  return el("figure", {}, el("figcaption", { text: `Events a day (UTC), at most ${count(highest)}` }), chart,
    el("p", { class: "scale dim" }, el("span", { text: days[0]?.day ?? "" }), el("span", { text: days.length > 1 ? days[days.length - 1].day : "" })));
}

function namesTable(answer) {
  const highest = Math.max(1, ...answer.names.map((each) => each.count));
  return el("table", { class: "plain" }, el("caption", { text: "By name" }),
    el("thead", {}, el("tr", {}, ["Name", "Count", "", "Last"].map((text, index) => (text ? el("th", { scope: "col", text, class: index === 1 ? "number" : null }) : el("td", { class: "bar-cell" }))))),
    el("tbody", {}, answer.names.map(({ name, count: number, last_ns: last }) => {
      const bar = el("span", { class: `meter ${colourOf(name)}` });
      bar.style.width = `${(number / highest) * 100}%`;
      const q = canAsk("actor", answer.actor) ? `${term("actor", answer.actor)} ${name === null ? "-name:*" : term("name", name)}` : "";
      return el("tr", {}, el("th", { scope: "row" }, el("span", { class: `mark ${colourOf(name)}` }),
        el("a", { href: addressOf({ view: "events", actor: "", event: "", q }), "data-go": "" }, el("bdi", { text: nameText(name) }))),
      el("td", { class: "number", text: count(number) }), el("td", { class: "bar-cell", "aria-hidden": "true" }, bar), el("td", {}, time(last)));
    })));
}

/** Show the actor of the state in `place`. */
export async function showActor(place) {
  const { from, to } = filter();
  const answer = await asking.ask("actors", { actor: state.actor, from, to });
  const q = canAsk("actor", state.actor) ? term("actor", state.actor) : "";
  const { events } = await recently.ask("events", { q, from, to, limit: RECENT });
  place.replaceChildren(el("article", { class: "actor" },
    el("p", { class: "kind dim", text: "Actor" }),
    el("h1", {}, el("bdi", { text: oneLine(answer.actor, 200) })),
    answer.total === 0 ? el("p", { text: "No events of this actor in this time." }) : el("p", { class: "summary" },
      counted(answer.total, "event"), " from ", time(answer.first_ns), " to ", time(answer.last_ns), ". ",
      el("a", { href: addressOf({ view: "events", actor: "", event: "", q }), "data-go": "", text: "Show them in the list" })),
    answer.total > 0 && daysChart(answer), answer.total > 0 && namesTable(answer),
    events.length > 0 && el("section", {}, el("h2", { text: "Last events" }), eventLinks(events, null))));
}
