/** The values that the events have, with counts: each is a filter. */

import { Asking, isAborted } from "./api.js";
import { colourOf } from "./colour.js";
import { byId, el, icon, oneLine } from "./dom.js";
import { count } from "./format.js";
import { canAsk, holds, term, toggled, valueOf, without } from "./query.js";
import { list, listText, navigate, state } from "./state.js";

const ALWAYS = ["name", "actor", "service", "severity"];
const TITLES = { name: "Name", actor: "Actor", service: "Service", severity: "Severity" };
const FEW = 8;
const MANY = 50;
const MAX_ADDED = 8;

/** The attributes that one asked to count, as the address has them. */
export const addedFacets = () =>
  list(state.facets).filter((key) => !ALWAYS.includes(key)).slice(0, MAX_ADDED);

/** Count the values of this attribute too, or no longer. */
export function toggleFacet(key) {
  const added = addedFacets();
  const keys = added.includes(key) ? added.filter((other) => other !== key) : [...added, key];
  navigate({ facets: listText(keys) }, { replace: true });
}

export class Facets {
  #askings = new Map();
  #wide = new Set();

  /** Ask for the counts within this filter and show them; gives when all are there. */
  async load(filter) {
    const keys = [...ALWAYS, ...addedFacets()];
    this.#build(keys);
    for (const asking of this.#askings.values()) asking.stop();
    // A key that is filtered by shows its other values as well, so that one can change over: it is asked without itself.
    const own = keys.filter((key) => valueOf(filter.q, key) !== null);
    const narrow = (key) => this.#ask(key, [key], { ...filter, q: without(filter.q, key) });
    const plain = keys.filter((key) => !own.includes(key));
    const wide = plain.filter((key) => this.#wide.has(key));
    const few = plain.filter((key) => !this.#wide.has(key));
    await Promise.all([few.length > 0 && this.#ask("", few, filter), ...wide.map((key) => this.#ask(key, [key], filter)), ...own.map(narrow)]);
  }

  async #ask(slot, keys, filter) {
    if (!this.#askings.has(slot)) this.#askings.set(slot, new Asking());
    try {
      const limit = this.#wide.has(slot) ? MANY : FEW;
      const { facets } = await this.#askings.get(slot).ask("facets", { ...filter, key: keys, limit });
      for (const facet of facets) this.#show(facet, filter);
    } catch (error) {
      if (!isAborted(error) && error.status !== 400) throw error;
    }
  }

  #build(keys) {
    const panel = byId("facets");
    const old = new Map([...panel.children].map((section) => [section.dataset.key, section]));
    if (keys.length === old.size && keys.every((key) => old.has(key))) return;
    panel.replaceChildren(...keys.map((key) => old.get(key) ?? el("section", { "data-key": key, "aria-label": `Filter by ${oneLine(key, 80)}` },
      el("h2", {}, el("bdi", { text: TITLES[key] ?? oneLine(key, 80), title: oneLine(key, 200) }),
        !ALWAYS.includes(key) && el("button", { class: "bare", type: "button", "aria-label": `No longer count ${oneLine(key, 80)}`, on: { click: () => toggleFacet(key) } }, icon("close"))),
      el("ul", {}))));
  }

  #show({ key, values, more }, filter) {
    const section = [...byId("facets").children].find((each) => each.dataset.key === key);
    if (section === undefined) return;
    const focused = section.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
    const highest = Math.max(1, ...values.map((each) => each.count));
    const list = section.querySelector("ul");
    list.replaceChildren(...values.map((value) => this.#value(key, value, highest)));
    if (values.length === 0) list.append(el("li", { class: "dim none", text: "none" }));
    if (more || this.#wide.has(key)) {
      const isWide = this.#wide.has(key);
      list.append(el("li", {}, el("button", { class: "bare more", type: "button", "aria-label": `${isWide ? "Fewer" : "More"} values of ${oneLine(key, 80)}`, text: isWide ? "fewer" : "more…", on: { click: () => {
        if (isWide) this.#wide.delete(key);
        else this.#wide.add(key);
        this.#ask(key, [key], filter);
      } } })));
    }
    if (focused !== null) [...section.querySelectorAll("button")].find((button) => button.getAttribute("aria-label") === focused)?.focus();
  }

  #value(key, { value, count: number }, highest) {
    const text = value === "" ? "(empty)" : oneLine(value, 120);
    const wanted = canAsk(key, value) ? term(key, value) : null;
    const chosen = wanted !== null && holds(state.q, wanted);
    const bar = el("span", { class: "bar" });
    bar.style.width = `${(number / highest) * 100}%`;
    const button = el("button", {
      type: "button", class: "value", "aria-pressed": String(chosen), "aria-label": `${text}, ${number}`, title: text, disabled: wanted === null,
      on: { click: () => navigate({ q: toggled(state.q, wanted) }) },
    }, bar, key === "name" && el("span", { class: `mark ${colourOf(value)}` }), el("bdi", { text }), el("span", { class: "count", text: count(number) }));
    const not = wanted !== null && !chosen && el("button", {
      type: "button", class: "bare not", "aria-label": `Without ${text}`, title: "Without this", on: {
        click: () => navigate({ q: toggled(state.q, term(key, value, { negated: true })) }) },
    }, icon("minus"));
    return el("li", {}, button, not);
  }
}
