/** Elements. What comes from events is always text here: it is set as text or as an attribute, never parsed as markup. */

const SVG = "http://www.w3.org/2000/svg";
const PLAIN = /^[\x20-\x7e]*$/;
const UNSEEN = /(?![\u200c\u200d\n\t])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The element of the page with this id. */
export const byId = (id) => document.getElementById(id);

function fill(node, properties, children) {
  for (const [key, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "on") for (const [type, listener] of Object.entries(value)) node.addEventListener(type, listener);
    else if (key === "text") node.textContent = value;
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Make an HTML element: attributes (`text` is its text, `on` its listeners), then children, which may be strings. */
export const el = (tag, properties, ...children) => fill(document.createElement(tag), properties, children);

/** Make an SVG element, as `el` does. */
export const svg = (tag, properties, ...children) => fill(document.createElementNS(SVG, tag), properties, children);

/** An icon of the sheet in index.html, for the eye only. */
export const icon = (name) => svg("svg", { class: "icon", "aria-hidden": "true" }, svg("use", { href: `#i-${name}` }));

/** Text from outside, made safe to read: what would hide, reorder or move text shows as an escape such as \u202e. */
export function visible(value, limit = Infinity) {
  let text = String(value);
  if (text.length > limit) text = `${text.slice(0, limit)}…`;
  if (PLAIN.test(text)) return text;
  return text.replace(UNSEEN, (character) => {
    const code = character.codePointAt(0);
    if (code < 256) return `\\x${code.toString(16).padStart(2, "0")}`;
    return code > 0xffff ? `\\U${code.toString(16).padStart(8, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** The same on one line, for a cell or a button. */
export const oneLine = (value, limit = 300) => visible(value, limit).replace(/[\n\t]+/g, " ");

let timer = 0;
/** Say something to those who listen to the page rather than see it; what follows quickly replaces it. */
export function announce(text) {
  clearTimeout(timer);
  timer = setTimeout(() => { byId("announcer").textContent = text; }, 250);
}

async function copy(text) {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return;
    } catch { /* not allowed here: the older way below is */ }
  }
  const area = el("textarea", { class: "unseen", "aria-hidden": "true" });
  area.value = text;
  const focused = document.activeElement;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
  focused?.focus();
}

/** A button that copies what `text()` gives, and says that it did. */
export function copyButton(text, what) {
  const label = el("span", { text: "Copy" });
  const button = el("button", { class: "small", type: "button", "aria-label": `Copy ${what}`, on: {
    click: async () => {
      await copy(text());
      label.textContent = "Copied";
      announce(`Copied ${what}`);
      setTimeout(() => { label.textContent = "Copy"; }, 1500);
    } } }, icon("copy"), label);
  return button;
}
