/** The catalogue: each type of event that was seen, its fields with types and samples, since when and how often. */

import { Asking } from "./api.js";
import { colourOf } from "./colour.js";
import { announce, el, oneLine } from "./dom.js";
import { count, counted, nameText, time, valueText } from "./format.js";
import { term } from "./query.js";
import { addressOf } from "./state.js";

const OPEN = 6;
const asking = new Asking();

const percent = (share) => (share >= 0.995 ? "100 %" : share < 0.01 ? "< 1 %" : `${Math.round(share * 100)} %`);
const rate = (perHour) => (perHour >= 10 ? count(Math.round(perHour)) : String(Number(perHour.toPrecision(2))));

function fieldsTable(type) {
  if (type.fields.length === 0) return el("p", { class: "dim", text: "No attributes." });
  return el("table", { class: "plain fields" }, el("caption", { class: "unseen", text: `Fields of ${nameText(type.name)}` }),
    el("thead", {}, el("tr", {}, ["Field", "Types", "Set in", "Samples"].map((text) => el("th", { scope: "col", text })))),
    el("tbody", {}, type.fields.map(({ key, types, share, samples }) => el("tr", {},
      el("th", { scope: "row" }, el("bdi", { text: oneLine(key, 200) })), el("td", { class: "type", text: types.join(", ") }), el("td", { class: "number", text: percent(share) }),
      el("td", { class: "samples" }, samples.map((value) => el("code", {}, el("bdi", { text: oneLine(valueText({ value }), 60) || '""' }))))))));
}

function typeCard(type, open) {
  const q = type.name === null ? "-name:*" : term("name", type.name);
  return el("details", { class: "type-card", open, "data-name": type.name ?? "" },
    el("summary", {}, el("span", { class: `mark ${colourOf(type.name)}` }), el("h2", {}, el("bdi", { class: colourOf(type.name), text: nameText(type.name) })),
      el("span", { class: "numbers" }, el("span", { text: counted(type.count, "event") }), el("span", { class: "dim", text: `${rate(type.per_hour)} an hour` }))),
    el("p", { class: "summary dim" }, "First seen ", time(type.first_ns), ", last ", time(type.last_ns), `; fields as in the newest ${count(type.sampled)}. `,
      el("a", { href: addressOf({ view: "events", event: "", q }), "data-go": "", "aria-label": `Show ${nameText(type.name)} in the list`, text: "Show in the list" })),
    fieldsTable(type));
}

/** Show the catalogue in `place`. */
export async function showCatalog(place) {
  const { types } = await asking.ask("catalog", {});
  const cards = types.map((type, index) => typeCard(type, index < OPEN));
  const find = el("input", { type: "search", "aria-label": "Find a type or a field", placeholder: "Find a type or a field", on: { input: () => {
    const wanted = find.value.toLowerCase();
    let found = 0;
    cards.forEach((card, index) => {
      const { name, fields } = types[index];
      card.hidden = ![name ?? "", ...fields.map(({ key }) => key)].some((text) => text.toLowerCase().includes(wanted));
      found += card.hidden ? 0 : 1;
    });
    announce(counted(found, "type"));
  } } });
  place.replaceChildren(el("article", { class: "catalog" },
    el("div", { class: "title" }, el("h1", { text: "Catalogue" }), el("span", { class: "dim", text: `${counted(types.length, "type")} of event seen` }), find),
    types.length === 0 ? el("p", { class: "dim", text: "No events came in yet." }) : "", ...cards));
}
