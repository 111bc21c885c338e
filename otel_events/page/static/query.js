/** The search text as terms: enough of its grammar to add, replace and take out terms. The server has the whole of it. */

const TERM = /-?(?:"(?:[^"\\]|\\.)*"?|[^\s:<>"][^\s:<>]*)?(?:(?:[<>]=?|:)(?:"(?:[^"\\]|\\.)*"?\*?|\S*)|\*)?|\S/gsu;
const PARTS = /^(-?)((?:"(?:[^"\\]|\\.)*"?|[^\s:<>"][^\s:<>]*)?)(?:([<>]=?|:)(.*))?$/su;
const BARE_KEY = /^[^\s:<>"*-][^\s:<>]*$/u;
const BARE_VALUE = /^[^\s"*\\][^\s"*\\]*$/u;
const MAX_VALUE = 500;

const unquoted = (text) => (text.startsWith('"') ? text.replace(/^"|"\*?$/g, "").replace(/\\(.)/gs, "$1") : text);
const quoted = (text) => `"${text.replace(/["\\]/g, "\\$&")}"`;

/** The terms of a search text: where each stands and what it says. `key` is null for words. */
export function terms(text) {
  return [...text.matchAll(TERM)].filter((found) => found[0] !== "").map((found) => {
    const [, minus, first, operator, rest] = PARTS.exec(found[0]) ?? [null, "", found[0]];
    const value = operator === undefined ? first : rest;
    return {
      text: found[0], start: found.index, end: found.index + found[0].length, negated: minus === "-",
      key: operator === undefined ? null : unquoted(first), operator: operator ?? null,
      value: unquoted(value), starred: value.endsWith("*"),
    };
  });
}

/** Whether a search text can hold this key and value: a text has its bounds. */
export const canAsk = (key, value) => key !== "" && key.length <= MAX_VALUE && (value === null || value.length <= MAX_VALUE);

/** A key as it stands before an operator. */
export const keyText = (key) => (BARE_KEY.test(key) ? key : quoted(key));

/** The term for this key and value; null stands for its absence. */
export function term(key, value, { negated = false } = {}) {
  if (value === null) return `${negated ? "" : "-"}${keyText(key)}:*`;
  return `${negated ? "-" : ""}${keyText(key)}:${BARE_VALUE.test(value) ? value : quoted(value)}`;
}

const same = (one, other) =>
  ["key", "negated", "operator", "value", "starred"].every((part) => one[part] === other[part]);

/** Whether the text holds this term. */
export const holds = (text, wanted) => terms(text).some((one) => same(one, terms(wanted)[0]));

/** The value that the text asks of this key, exactly and as the only one; else null. */
export function valueOf(text, key) {
  const found = terms(text).filter((one) => one.key === key && one.operator === ":" && !one.negated);
  return found.length === 1 && !found[0].starred ? found[0].value : null;
}

const isOf = (one, key) => one.key === key && one.operator === ":" && (!one.negated || one.value === "*");
const joined = (list) => list.map((one) => one.text).join(" ");

/** The text without the terms that ask a value of this key. */
export const without = (text, key) => joined(terms(text).filter((one) => !isOf(one, key)));

/** The text with this term put in, in the place of what asked another value of its key; or taken out, where it is in. */
export function toggled(text, wanted) {
  const [one] = terms(wanted);
  const all = terms(text);
  if (all.some((other) => same(other, one))) return joined(all.filter((other) => !same(other, one)));
  const kept = one.operator === ":" && !one.negated ? all.filter((other) => !isOf(other, one.key)) : all;
  return `${joined(kept)} ${wanted}`.trim();
}
