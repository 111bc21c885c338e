/** What stands in the place of the list where it has no rows: how to send events here, or why none fits. */

import { copyButton, el } from "./dom.js";
import { navigate, state } from "./state.js";

const line = (text, what) => el("div", { class: "code one" }, el("pre", { tabindex: "0", "aria-label": what }, el("code", { text })), copyButton(() => text, what));

/** Tell how to send events here. */
export function welcome(status) {
  const http = `OTEL_EXPORTER_OTLP_ENDPOINT=${status.otlp_http}`;
  const grpc = `OTEL_EXPORTER_OTLP_ENDPOINT=${status.otlp_grpc} OTEL_EXPORTER_OTLP_PROTOCOL=grpc`;
  return el("div", { class: "welcome" },
    el("p", { class: "pulse" }, el("span", { class: "dot" }), "Waiting for the first event"),
    el("h2", { text: "Send events here" }),
    el("p", { text: "Start any program that speaks OTLP with this setting; its events appear here as they happen." }),
    line(http, "the setting for OTLP over HTTP"),
    el("p", { class: "dim", text: "Or over gRPC:" }), line(grpc, "the settings for OTLP over gRPC"),
    el("p", { class: "dim", text: "Nothing at hand? This sends some:" }), line(`${http} otel-events demo`, "the command that sends a demonstration"),
    el("p", { class: "dim" }, "They are kept in ", el("code", { text: status.database }), "."));
}

/** Tell that nothing fits, and what to take away. */
export function nothingFits() {
  const button = (text, changes) => el("button", { type: "button", class: "tool", text, on: { click: () => navigate(changes) } });
  return el("div", { class: "welcome" }, el("h2", { text: "No event fits" }),
    el("p", { class: "dim", text: "New events that fit will appear here as they come in." }),
    el("p", { class: "choices" }, state.q !== "" && button("Clear the search", { q: "" }),
      (state.from !== "" || state.to !== "") && button("All time", { from: "", to: "" })));
}
