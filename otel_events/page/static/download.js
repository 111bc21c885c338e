/** What is shown, as a file. */

import { address } from "./api.js";
import { byId } from "./dom.js";
import { openMenu } from "./menu.js";
import { filter } from "./state.js";

const FORMATS = [["CSV", "csv"], ["JSON lines", "jsonl"], ["OTLP JSON", "otlp"]];

/** Open the menu of formats; `columns` are the keys of attributes that CSV has as columns of their own. */
export function openDownload(columns) {
  openMenu(byId("download"), "Download", FORMATS.map(([label, format]) =>
    ({ label, href: address("download", { ...filter(), format, columns }), download: "" })));
}
