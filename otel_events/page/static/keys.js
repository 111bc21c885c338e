/** The keyboard: one key an action, and the help that lists them. */

import { byId, el, icon } from "./dom.js";

const SWITCH = "single-keys";

const KEYS = [
  ["j  ↓", "next row, which is older"], ["k  ↑", "row before, which is newer"], ["Enter", "open the event"],
  ["Esc", "close what is open"], ["/", "search"], ["p", "pause, resume"], ["n", "show the new events that wait"],
  ["h", "to the histogram: arrows move, with Shift they choose a range, Enter filters by it"],
  ["e", "events"], ["c", "catalogue"], ["u", "local time or UTC"], ["t", "light or dark"], ["?", "this help"],
];

const GRAMMAR = [
  ["lamp desk", "both words occur; lam* begins so"], ['"desk lamp"', "one after the other"],
  ["actor:alice", "name, actor, service, severity, body, trace, uid, or any attribute"], ["table:sess*", "begins with it"],
  ["total>10", "a number; also >= < <="], ["reason:*", "it is set"], ["-name:login", "not so"],
];

/** Whether single keys act; those who speak to their computer turn them off. */
const acts = () => localStorage.getItem(SWITCH) !== "off";

const list = (pairs, tag) => el("dl", {}, pairs.flatMap(([key, text]) => [el("dt", {}, el(tag, { text: key })), el("dd", { text })]));

/** Open the help. */
export function openHelp() {
  const dialog = byId("help-dialog");
  if (dialog.open) return;
  const box = el("input", { type: "checkbox", on: { change: () => localStorage.setItem(SWITCH, box.checked ? "on" : "off") } });
  box.checked = acts();
  dialog.replaceChildren(
    el("header", {}, el("h2", { id: "help-title", text: "Help" }),
      el("button", { class: "bare", type: "button", "aria-label": "Close the help", on: { click: () => dialog.close() } }, icon("close"))),
    el("div", { class: "halves" }, el("section", {}, el("h3", { text: "Keys" }), list(KEYS, "kbd")), el("section", {}, el("h3", { text: "Search" }), list(GRAMMAR, "code"))),
    el("label", {}, box, " Single keys act (off: only Enter, Esc and the arrows do)"));
  dialog.showModal();
}

/** Listen to the keys of the whole page; `actions` maps a key to a function. */
export function prepareKeys(actions) {
  const dialog = byId("help-dialog");
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
    const typing = event.target.closest("input, textarea, select, [role=menu]") !== null;
    if (event.key === "Escape" && !typing) actions.Escape();
    else if (!typing && event.key.length === 1 && acts() && Object.hasOwn(actions, event.key)) {
      actions[event.key]();
      event.preventDefault();
    }
  });
}
