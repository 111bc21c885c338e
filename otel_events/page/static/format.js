/** Times, counts and values as people read them. */

import { el, oneLine, visible } from "./dom.js";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const NUMBER = new Intl.NumberFormat("en");
const MILLION = 1_000_000n;

let utc = localStorage.getItem("zone") === "utc";

/** Whether times are shown in UTC rather than in the browser's own zone. */
export const isUtc = () => utc;

/** Choose the zone in which times are shown, and keep the choice. */
export function setUtc(value) {
  utc = value;
  localStorage.setItem("zone", value ? "utc" : "local");
}

const two = (number) => String(number).padStart(2, "0");

/** Nanoseconds since 1970, as text or BigInt, to milliseconds. */
export const toMs = (ns) => Number(BigInt(ns) / MILLION);

/** The parts of a moment in the zone that is shown. */
export function parts(ms) {
  const date = new Date(ms);
  const get = (what) => date[`get${utc ? "UTC" : ""}${what}`]();
  return {
    year: get("FullYear"), month: get("Month"), day: get("Date"),
    clock: `${two(get("Hours"))}:${two(get("Minutes"))}`,
    seconds: `${two(get("Seconds"))}.${String(date.getUTCMilliseconds()).padStart(3, "0")}`,
  };
}

/** The day where it is not today: `31 Jan`, or with its year where that is another. */
export function day(ms) {
  const [then, now] = [parts(ms), parts(Date.now())];
  if (then.year !== now.year) return `${then.year}-${two(then.month + 1)}-${two(then.day)}`;
  return then.month === now.month && then.day === now.day ? "" : `${then.day} ${MONTHS[then.month]}`;
}

/** A moment on one line: day where it is not today, hours, minutes, seconds. */
export function moment(ns) {
  const ms = toMs(ns);
  const { clock, seconds } = parts(ms);
  return `${day(ms)} ${clock}:${seconds.slice(0, 2)}`.trim();
}

/** A moment in UTC, to the nanosecond. */
export function exact(ns) {
  const value = BigInt(ns);
  const iso = new Date(toMs(value)).toISOString().slice(0, 19);
  return `${iso}.${String(((value % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n).padStart(9, "0")}Z`;
}

/** A moment in full: date, time to the millisecond, zone. */
export function full(ns) {
  const ms = toMs(ns);
  const { year, month, day: date, clock, seconds } = parts(ms);
  const minutes = utc ? 0 : -new Date(ms).getTimezoneOffset();
  const offset = `${minutes < 0 ? "−" : "+"}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
  return `${year}-${two(month + 1)}-${two(date)} ${clock}:${seconds} ${utc ? "UTC" : offset}`;
}

/** A <time> with UTC on hover. */
export function time(ns, text = moment(ns)) {
  const utcText = exact(ns);
  return el("time", { datetime: utcText.replace(/\d{6}Z$/, "Z"), title: `${utcText} (UTC)`, text });
}

/** A count with separators. */
export const count = (number) => NUMBER.format(number);

/** A count and its noun. */
export const counted = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;

/** A length of time, from nanoseconds. */
export function duration(ns) {
  const ms = Number(ns) / 1e6;
  if (ms < 1) return `${Math.round(ms * 1000)} µs`;
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  return ms < 60_000 ? `${(ms / 1000).toFixed(2)} s` : `${(ms / 60_000).toFixed(1)} min`;
}

/** The value of an attribute as text, whatever its type. */
export const valueText = ({ value }) => (typeof value === "string" ? value : JSON.stringify(value) ?? "null");

/** A name for an event that may have none. */
export const nameText = (name) => (name === null || name === "" ? "(no name)" : oneLine(name, 120));

/** A value as pretty text for reading: structures over several lines. */
export function readable({ type, value }) {
  return visible(type === "map" || type === "array" ? JSON.stringify(value, null, 1) : valueText({ value }));
}
