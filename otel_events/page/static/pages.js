/** The views beside the list: an actor, and the catalogue. */

import { showActor } from "./actor.js";
import { isAborted } from "./api.js";
import { showCatalog } from "./catalog.js";
import { announce, byId, oneLine } from "./dom.js";
import { state } from "./state.js";

/** Show the one that the state names; `problem(error)` is told what goes wrong. */
export async function showPage(problem) {
  const page = byId("page");
  try {
    await (state.view === "catalog" ? showCatalog(page) : showActor(page));
    page.scrollTop = 0;
    announce(page.querySelector("h1").textContent);
  } catch (error) {
    problem(error);
    if (!isAborted(error)) page.textContent = `This cannot be shown: ${oneLine(error.message)}`;
  }
}
