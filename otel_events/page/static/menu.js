/** One menu for the whole page: a list of choices below the button that opened it. */

import { byId, el } from "./dom.js";

let opener = null;

function place(menu) {
  const anchor = opener.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const left = Math.max(8, Math.min(anchor.left, innerWidth - width - 8));
  const below = anchor.bottom + 4 + height <= innerHeight - 8;
  menu.style.left = `${left}px`;
  menu.style.top = `${Math.max(8, below ? anchor.bottom + 4 : anchor.top - height - 4)}px`;
}

function close() {
  byId("menu").hidePopover();
}

function entry({ label, hint, href, download, checked, run, stays }) {
  const role = checked === undefined ? "menuitem" : "menuitemcheckbox";
  const node = href === undefined
    ? el("button", { type: "button", role, tabindex: "-1", "aria-checked": checked === undefined ? null : String(checked) })
    : el("a", { href, role, tabindex: "-1", download: download ?? null });
  node.append(el("span", { class: "label", text: label }), hint ? el("span", { class: "hint", text: hint }) : "");
  node.addEventListener("click", () => {
    if (stays) node.setAttribute("aria-checked", String(node.getAttribute("aria-checked") !== "true"));
    else close();
    run?.();
  });
  return node;
}

/** Open the menu below `button` with these entries: `{label, hint, run}`, `{label, href}`, `{label, checked, run, stays}`. */
export function openMenu(button, label, entries) {
  const menu = byId("menu");
  opener = button;
  menu.replaceChildren(...entries.map(entry));
  menu.setAttribute("aria-label", label);
  menu.showPopover();
  place(menu);
  menu.firstElementChild?.focus();
}

/** Make the menu answer the keyboard, and give the focus back. */
export function prepareMenu() {
  const menu = byId("menu");
  menu.addEventListener("keydown", (event) => {
    const nodes = [...menu.children];
    const at = nodes.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: nodes.length - 1 }[event.key];
    if (event.key === "Tab") close();
    else if (event.key === " " && document.activeElement.tagName === "A") document.activeElement.click();
    else if (to !== undefined) nodes[(to + nodes.length) % nodes.length]?.focus();
    else return;
    event.preventDefault();
  });
  addEventListener("resize", close);
  menu.addEventListener("toggle", (event) => {
    if (event.newState !== "closed") return;
    if (menu.contains(document.activeElement) || document.activeElement === document.body) opener?.focus();
  });
}
