/** The search box: what is typed is asked for, an error is shown where it is, keys and values are suggested. */

import { Asking, ask, isAborted } from "./api.js";
import { byId, el, oneLine } from "./dom.js";
import { keyText, term, terms } from "./query.js";
import { filter, navigate, state } from "./state.js";

const PAUSE_MS = 350;
const SUGGESTIONS = 8;
const COLUMNS = ["name", "actor", "service", "severity", "body", "trace", "uid"];

export class Search {
  #asking = new Asking();
  #keys = null;
  #options = [];
  #chosen = -1;
  #timer = 0;
  #typed = false; // whether what was typed made an entry of the history already

  constructor() {
    const input = byId("q");
    byId("search").addEventListener("submit", (event) => { event.preventDefault(); this.#apply(); });
    input.addEventListener("input", () => this.#input());
    input.addEventListener("focus", () => { this.#typed = false; this.#suggest(); });
    input.addEventListener("blur", () => this.#close());
    input.addEventListener("keydown", (event) => this.#key(event));
    input.addEventListener("scroll", () => { byId("mirror").scrollLeft = input.scrollLeft; });
    input.addEventListener("click", () => this.#suggest());
    byId("clear").addEventListener("click", () => { navigate({ q: "" }); input.focus(); });
    byId("suggestions").addEventListener("pointerdown", (event) => {
      event.preventDefault(); // the focus stays in the box
      const option = event.target.closest("[role=option]");
      if (option !== null) this.#take(this.#options[Number(option.dataset.index)]);
    });
  }

  /** Show the text of the state. */
  show() {
    const input = byId("q");
    if (input.value !== state.q) input.value = state.q;
    byId("clear").hidden = state.q === "";
    byId("slash").hidden = state.q !== "";
  }

  /** Say that the text is wrong from one character to another; null takes the error away. */
  fail(error) {
    const input = byId("q");
    const place = byId("search-error");
    place.hidden = error === null;
    place.textContent = error === null ? "" : oneLine(error.message, 500);
    if (error === null) input.removeAttribute("aria-invalid");
    else input.setAttribute("aria-invalid", "true");
    const characters = Array.from(input.value); // the server counts characters, not UTF-16 units
    const from = error?.from ?? characters.length;
    const to = Math.max(from + 1, error?.to ?? characters.length);
    byId("mirror").replaceChildren(...error === null ? [] : [characters.slice(0, from).join(""),
      el("mark", { text: characters.slice(from, to).join("") || " " }), characters.slice(to).join("")]);
    byId("mirror").scrollLeft = input.scrollLeft;
  }

  #input() {
    this.#wait();
    this.#timer = setTimeout(() => this.#apply(), PAUSE_MS);
  }

  /** Suggest, and ask for nothing yet. */
  #wait() {
    clearTimeout(this.#timer);
    this.fail(null);
    this.#suggest();
  }

  #apply() {
    clearTimeout(this.#timer);
    const q = byId("q").value;
    if (q === state.q) return;
    navigate({ q }, { replace: this.#typed });
    this.#typed = true;
  }

  #key(event) {
    const open = this.#options.length > 0;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!open) this.#suggest();
      else this.#choose(this.#chosen + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter" && this.#chosen >= 0) this.#take(this.#options[this.#chosen]);
    else if (event.key === "Enter") { this.#apply(); this.#close(); return; }
    else if (event.key === "Tab" && this.#chosen >= 0) this.#take(this.#options[this.#chosen]);
    else if (event.key === "Escape" && open) this.#close();
    else if (event.key === "Escape") byId("grid").focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** The term in which the caret stands. */
  #current() {
    const { value, selectionStart: caret } = byId("q");
    return terms(value).find((one) => one.start < caret && caret <= one.end) ?? { text: "", start: caret, end: caret, key: null, value: "", negated: false };
  }

  async #suggest() {
    const current = this.#current();
    const minus = current.negated ? "-" : "";
    try {
      if (current.key === null || current.operator !== ":") {
        const typed = current.text.replace(/^-/, "").toLowerCase();
        const keys = current.key === null ? await this.#allKeys() : [];
        this.#open(keys.filter((key) => key.toLowerCase().includes(typed)).slice(0, SUGGESTIONS)
          .map((key) => ({ label: key, text: `${minus}${keyText(key)}:`, current })));
        return;
      }
      const rest = byId("q").value.slice(0, current.start) + byId("q").value.slice(current.end);
      const { facets } = await this.#asking.ask("facets", { ...filter(), q: rest.trim(), key: current.key, limit: 50 });
      const values = facets[0].values.filter(({ value }) => value !== current.value && value.toLowerCase().startsWith(current.value.toLowerCase()));
      this.#open(values.slice(0, SUGGESTIONS).map(({ value, count }) =>
        ({ label: oneLine(value, 120), hint: String(count), text: `${term(current.key, value, { negated: current.negated })} `, current })));
    } catch (error) {
      if (!isAborted(error)) this.#close(); // a suggestion that fails is none; what is wrong is said when it is asked for
    }
  }

  async #allKeys() {
    this.#keys ??= ask("catalog", {}).then(({ types }) =>
      [...new Set([...COLUMNS, ...types.flatMap(({ fields }) => fields.map(({ key }) => key))])]);
    try {
      return await this.#keys;
    } catch (error) {
      this.#keys = null;
      throw error;
    }
  }

  #open(options) {
    const input = byId("q");
    if (document.activeElement !== input) return;
    this.#options = options;
    this.#chosen = -1;
    byId("suggestions").replaceChildren(...options.map(({ label, hint }, index) => el("li", {
      role: "option", id: `suggestion-${index}`, "data-index": index, "aria-selected": "false",
    }, el("bdi", { text: label }), hint && el("span", { class: "hint", text: hint }))));
    byId("suggestions").hidden = options.length === 0;
    input.setAttribute("aria-expanded", String(options.length > 0));
    input.removeAttribute("aria-activedescendant");
  }

  #close() {
    this.#asking.stop();
    this.#options = [];
    this.#chosen = -1;
    byId("suggestions").hidden = true;
    byId("q").setAttribute("aria-expanded", "false");
    byId("q").removeAttribute("aria-activedescendant");
  }

  #choose(index) {
    this.#chosen = (index + this.#options.length) % this.#options.length;
    [...byId("suggestions").children].forEach((option, at) => option.setAttribute("aria-selected", String(at === this.#chosen)));
    byId("q").setAttribute("aria-activedescendant", `suggestion-${this.#chosen}`);
  }

  #take({ text, current }) {
    const input = byId("q");
    const caret = current.start + text.length;
    input.value = input.value.slice(0, current.start) + text + input.value.slice(current.end).trimStart();
    input.setSelectionRange(caret, caret);
    if (text.endsWith(":")) this.#wait(); // a key, whose value comes next
    else this.#input();
  }
}
