/** Questions to the server that gave us the page. */

/** An answer that is no answer. `from` and `to` say where a search text is wrong. */
export class ApiError extends Error {
  constructor(text, status = 0, from = null, to = null) {
    super(text);
    Object.assign(this, { status, from, to });
  }
}

/** The address of a question: empty parameters are left out, lists are repeated. */
export function address(path, parameters = {}) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item !== "" && item !== null && item !== undefined) query.append(key, item);
    }
  }
  const text = query.toString();
  return `/api/${path}${text === "" ? "" : `?${text}`}`;
}

/** Ask; gives the JSON of the answer, raises ApiError, or the AbortError of the signal. */
export async function ask(path, parameters, signal) {
  let response;
  try {
    response = await fetch(address(path, parameters), { signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("the server does not answer; is otel-events view still running?");
  }
  let body = {};
  try {
    body = await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    if (response.ok) throw new ApiError("the answer broke off", response.status);
  }
  if (!response.ok) {
    throw new ApiError(body.error ?? `the server answered ${response.status}`, response.status, body.from, body.to);
  }
  return body;
}

/** One question at a time of its kind: a new one gives up the one before, whose answer nobody wants any more. */
export class Asking {
  #controller = null;

  async ask(path, parameters) {
    this.#controller?.abort();
    const controller = new AbortController();
    this.#controller = controller;
    return await ask(path, parameters, controller.signal);
  }

  stop() {
    this.#controller?.abort();
  }
}

/** Whether an error only says that a newer question took the place of this one. */
export const isAborted = (error) => error.name === "AbortError";
