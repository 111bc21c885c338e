/** The events that are loaded, newest first, and those that came in and wait until the reader wants them. No drawing. */

const MAX_LOADED = 20_000;
const MAX_WAITING = 2_000;

const newer = (one, other) => (one.ns === other.ns ? one.id > other.id : one.ns > other.ns);

function prepared(event) {
  event.ns = BigInt(event.time_ns);
  return event;
}

export class Rows {
  items = [];
  next = null;
  waiting = [];
  /** How many wait, which may be more than `waiting` holds. */
  waitingCount = 0;
  #ids = new Set();

  /** Hold the first page of an answer, and nothing else. */
  reset({ events, next }) {
    this.items = events.map(prepared);
    this.#ids = new Set(events.map((event) => event.id));
    this.next = next;
    this.waiting = [];
    this.waitingCount = 0;
  }

  /** Add the page after the last one. */
  extend({ events, next }) {
    for (const event of events) {
      if (this.#ids.has(event.id)) continue;
      this.#ids.add(event.id);
      this.items.push(prepared(event));
    }
    this.next = next;
  }

  get isFull() {
    return this.items.length >= MAX_LOADED;
  }

  /** Keep what came in for later. */
  hold(events, skipped = 0) {
    const fresh = events.filter((event) => !this.#ids.has(event.id)).map(prepared);
    for (const event of fresh) this.#ids.add(event.id);
    this.waitingCount += fresh.length + skipped;
    if (this.waiting.length + fresh.length <= MAX_WAITING) this.waiting.push(...fresh);
  }

  /** Whether some of what waits is not here, so that catching up needs the server. */
  get hasGap() {
    return this.waitingCount > this.waiting.length;
  }

  /** Put what waits into its place; gives the ids of what is new. What is older than the last row comes with its page. */
  release() {
    const last = this.items[this.items.length - 1];
    const arrived = this.waiting
      .filter((event) => this.next === null || last === undefined || newer(event, last))
      .sort((one, other) => (newer(one, other) ? -1 : 1));
    const merged = [];
    let index = 0;
    for (const event of arrived) {
      while (index < this.items.length && newer(this.items[index], event)) merged.push(this.items[index++]);
      merged.push(event);
    }
    this.items = merged.concat(this.items.slice(index));
    if (this.isFull && arrived.length > 0) this.#cut();
    for (const event of this.waiting) if (!arrived.includes(event)) this.#ids.delete(event.id);
    this.waiting = [];
    this.waitingCount = 0;
    return new Set(arrived.map((event) => event.id));
  }

  #cut() {
    for (const event of this.items.splice(MAX_LOADED)) this.#ids.delete(event.id);
    this.next = "cut";
  }

  /** What asks the server for the events after the last one; the page that was cut off is asked for by its time. */
  get more() {
    if (this.next !== "cut") return { before: this.next };
    return { to: String(this.items[this.items.length - 1].ns + 1n) };
  }
}
