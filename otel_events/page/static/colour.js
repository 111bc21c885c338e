/** A colour for each event name: the same one everywhere and always. */

const COLOURS = 14; // classes c0 to c13 of page.css
const START = 0x811e4bcc; // any number would do; this one keeps the names that most applications have apart
const chosen = new Map();

/** The class of page.css that colours this name; names that are absent are grey. */
export function colourOf(name) {
  if (name === null || name === undefined || name === "") return "c-none";
  let found = chosen.get(name);
  if (found === undefined) {
    let hash = START; // FNV-1a, 32 bits
    for (let index = 0; index < name.length; index++) hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
    hash ^= hash >>> 15;
    found = `c${(hash >>> 0) % COLOURS}`;
    if (chosen.size < 10_000) chosen.set(name, found);
  }
  return found;
}
