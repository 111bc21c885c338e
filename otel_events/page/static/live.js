/** What comes in, as it comes in: server-sent events, with a connection that is taken up again when it breaks. */

import { address, ask, isAborted } from "./api.js";

const WAITS_MS = [500, 1000, 2000, 5000];
const SILENCE_MS = 40_000; // the server pings every 15 s; after two that are missing the connection is dead

export class Live {
  #source = null;
  #timer = 0;
  #watch = 0;
  #failures = 0;
  #onEvents;
  #onState;

  /** `onEvents(events, skipped)` gets what came, `onState("live" | "lost" | "refused", text)` how the connection is. */
  constructor(onEvents, onState) {
    this.#onEvents = onEvents;
    this.#onState = onState;
  }

  /** Follow what comes after this id and fits the filter; in the place of what was followed before. */
  start(filter, after) {
    this.stop();
    this.#failures = 0;
    this.#open(filter, after);
  }

  stop() {
    this.#source?.close();
    this.#source = null;
    clearTimeout(this.#timer);
    clearTimeout(this.#watch);
  }

  #open(filter, after) {
    let newest = after;
    const source = new EventSource(address("live", { ...filter, after }));
    this.#source = source;
    const broken = () => {
      if (this.#source !== source) return;
      source.close();
      clearTimeout(this.#watch);
      const wait = WAITS_MS[Math.min(this.#failures++, WAITS_MS.length - 1)];
      this.#onState("lost", "");
      this.#timer = setTimeout(() => this.#again(source, filter, newest), wait);
    };
    const heard = () => {
      if (this.#source !== source) return;
      this.#failures = 0;
      this.#onState("live", "");
      clearTimeout(this.#watch);
      this.#watch = setTimeout(broken, SILENCE_MS);
    };
    source.addEventListener("open", heard);
    source.addEventListener("ping", heard);
    source.addEventListener("error", broken);
    source.addEventListener("events", (message) => {
      heard();
      const { events, newest_id: id, skipped } = JSON.parse(message.data);
      newest = id;
      this.#onEvents(events, skipped);
    });
  }

  /** EventSource does not say why it was refused; a plain question does. */
  async #again(source, filter, newest) {
    try {
      await ask("status", {});
    } catch (error) {
      if (isAborted(error) || this.#source !== source) return;
      if (error.status === 401 || error.status === 403) this.#onState("refused", error.message);
    }
    if (this.#source === source) this.#open(filter, newest);
  }
}
