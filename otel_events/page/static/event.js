/** One event beside the list: all that it holds, its trace, what its actor did before and after, and how to find its like. */

import { Asking, ask, isAborted } from "./api.js";
import { attributesTable } from "./attributes.js";
import { colourOf } from "./colour.js";
import { byId, copyButton, el, icon, oneLine, visible } from "./dom.js";
import { full, nameText, time } from "./format.js";
import { term } from "./query.js";
import { addressOf, navigate, state } from "./state.js";
import { traceView } from "./trace.js";

const MAX_RAW = 200_000;
const SEVERITIES = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
const AROUND = 5;

const section = (title, open, ...children) =>
  el("details", { open }, el("summary", {}, el("h3", { text: title })), ...children);

/** A list of events, each a link to its panel. */
export function eventLinks(events, current) {
  return el("ol", { class: "links" }, events.map((event) => el("li", { class: event.id === current ? "current" : null },
    el("a", { href: addressOf({ view: "events", event: String(event.id) }), "data-event": event.id, "aria-current": event.id === current ? "true" : null },
      time(event.time_ns), el("span", { class: `mark ${colourOf(event.name)}` }), el("bdi", { class: `name ${colourOf(event.name)}`, text: nameText(event.name) }),
      el("bdi", { class: "line", text: event.body === null ? "" : oneLine(event.body, 160) })))));
}

function code(text, what) {
  const shown = text.length > MAX_RAW ? `${text.slice(0, MAX_RAW)}…` : text;
  return el("div", { class: "code" }, copyButton(() => text, what), el("pre", { tabindex: "0", "aria-label": what }, el("code", { text: visible(shown) })));
}

function severity({ severity_number: number, severity_text: text }) {
  const range = number === null ? "" : SEVERITIES[Math.floor((number - 1) / 4)] ?? "";
  return text && text.toUpperCase() !== range ? `${text} (${range || number})` : range || number;
}

function facts(event) {
  const pairs = [
    ["Time", time(event.time_ns, full(event.time_ns))],
    ["Observed", event.observed_ns === null ? null : time(event.observed_ns, full(event.observed_ns))],
    ["Received", event.received_ns === null ? null : time(event.received_ns, full(event.received_ns))],
    ["Severity", severity(event)],
    ["Service", event.service], ["Scope", event.scope === null ? null : `${event.scope} ${event.scope_version ?? ""}`],
    ["Trace", event.trace_id === null ? null : el("a", { href: addressOf({ q: term("trace", event.trace_id) }), "data-go": "", title: "All events of this trace" }, el("bdi", { text: event.trace_id }))], ["Span", event.span_id], ["Id", event.uid],
  ].filter(([, value]) => value !== null && value !== undefined && value !== "");
  return el("dl", { class: "facts" }, pairs.flatMap(([key, value]) =>
    [el("dt", { text: key }), el("dd", {}, value instanceof Node ? value : el("bdi", { text: oneLine(value, 300) }))]));
}

export class EventPanel {
  #asking = new Asking();
  #on;
  #id = null;

  /** `on` has `facet(key)`, `column(key)`, `columns()`, `step(by)` and `closed()`. */
  constructor(on) {
    this.#on = on;
    byId("panel").addEventListener("click", (event) => {
      const link = event.target.closest("a[data-event]");
      if (link === null || event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      navigate({ event: link.dataset.event });
    });
  }

  /** Show the event of the state, or nothing. */
  async show({ focus = false } = {}) {
    const id = state.event;
    const panel = byId("panel");
    if (id === "") {
      const had = panel.contains(document.activeElement);
      this.#asking.stop();
      this.#id = null;
      panel.hidden = true;
      panel.replaceChildren();
      if (had) this.#on.closed();
      return;
    }
    if (id === this.#id && !panel.hidden) {
      if (focus) panel.focus();
      return;
    }
    this.#id = id;
    panel.hidden = false;
    panel.setAttribute("aria-busy", "true");
    const within = focus || panel.contains(document.activeElement);
    try {
      const { event } = await this.#asking.ask(`events/${id}`, {});
      this.#draw(event);
    } catch (error) {
      if (isAborted(error)) return;
      panel.replaceChildren(this.#bar(null), el("p", { class: "problem", text: error.status === 404 ? "This event is not in the database (any more)." : `The event cannot be shown: ${oneLine(error.message)}` }));
    }
    panel.removeAttribute("aria-busy");
    if (within) panel.focus();
  }

  /** Draw it again: times look different now. */
  again() {
    this.#id = null;
    this.show();
  }

  #bar(event) {
    const tool = (name, label, run) => el("button", { class: "bare", type: "button", "aria-label": label, title: label, on: { click: run } }, icon(name));
    return el("header", {},
      el("h2", {}, event ? el("span", { class: `mark ${colourOf(event.name)}` }) : "", el("bdi", { class: event ? colourOf(event.name) : null, text: event ? nameText(event.name) : "Event" })),
      tool("up", "Newer event (k)", () => this.#on.step(-1)), tool("down", "Older event (j)", () => this.#on.step(1)),
      tool("close", "Close (Esc)", () => navigate({ event: "" })));
  }

  #draw(event) {
    const panel = byId("panel");
    panel.setAttribute("aria-label", `Event ${nameText(event.name)}`);
    const trace = el("div", { class: "later" });
    const around = el("div", { class: "later" });
    const body = event.body === null ? "" : visible(event.body);
    const missing = event.dropped_attributes > 0 ? el("p", { class: "dim", text: `The sender left out ${event.dropped_attributes} more.` }) : "";
    panel.replaceChildren(this.#bar(event), el("div", { class: "scroll" },
      el("p", { class: "body" }, el("bdi", { text: body.length > 4000 ? `${body.slice(0, 4000)}…` : body })),
      event.actor === null ? el("p", { class: "who dim", text: "No actor" }) : el("p", { class: "who" }, icon("person"),
        el("a", { href: addressOf({ view: "actor", actor: event.actor, event: "" }), "data-go": "" }, el("bdi", { text: oneLine(event.actor, 200) }))),
      facts(event),
      section("Attributes", true, attributesTable(event.attributes, "Attributes", this.#on), missing),
      event.trace_id !== null && section("Trace", true, trace),
      event.actor !== null && section("Same actor, before and after", true, around),
      section("Resource", false, attributesTable(event.resource, "Resource", null)),
      section("SQL that finds its like", false, code(event.sql, "SQL")),
      section("OTLP JSON", false, code(JSON.stringify(event.otlp, null, 2), "OTLP JSON"))));
    panel.querySelector(".scroll").scrollTop = 0;
    if (event.trace_id !== null) this.#fill(trace, event, `traces/${event.trace_id}`, (answer) => traceView(answer, event.id, (id) => navigate({ event: String(id) })));
    if (event.actor !== null) {
      this.#fill(around, event, `events/${event.id}/around`, ({ before, after }) =>
        eventLinks([...after, event, ...before], event.id), { limit: AROUND });
    }
  }

  async #fill(place, event, path, draw, parameters = {}) {
    try {
      const answer = await ask(path, parameters);
      if (this.#id === String(event.id)) place.replaceChildren(draw(answer));
    } catch (error) {
      place.replaceChildren(el("p", { class: "problem", text: `Not to be had: ${oneLine(error.message)}` }));
    }
    place.classList.remove("later");
  }
}
