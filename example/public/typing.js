import { byId, nameOf } from "./dom.js";

/** How long somebody is shown to be typing, and how often it is told at most. */
const SHOWN_MS = 4000;
const TOLD_EVERY_MS = 2000;

const timers = new Map();
let toldAt = Number.NEGATIVE_INFINITY;

/** Tells others, by `tell`, now and then while somebody types. */
export function tellTyping(tell) {
  const now = performance.now();
  if (now - toldAt < TOLD_EVERY_MS) return;
  toldAt = now;
  tell();
}

/** The next letter is told at once. */
export function doneTyping() {
  toldAt = Number.NEGATIVE_INFINITY;
}

export function showTyping(id) {
  clearTimeout(timers.get(id));
  timers.set(
    id,
    setTimeout(() => hideTyping(id), SHOWN_MS),
  );
  show();
}

export function hideTyping(id) {
  clearTimeout(timers.get(id));
  timers.delete(id);
  show();
}

export function clearTyping() {
  for (const id of [...timers.keys()]) hideTyping(id);
}

function show() {
  const all = [...timers.keys()].map(nameOf);
  const who = new Intl.ListFormat("en").format(all);
  byId("typing").textContent = all.length === 0 ? "" : `${who} ${all.length === 1 ? "is" : "are"} typing…`;
}
