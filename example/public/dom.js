import { showNotice, showProblem } from "./toasts.js";

export const byId = (id) => document.getElementById(id);

/** A new element of a template, and what finds its parts. */
export function fromTemplate(id) {
  const element = byId(id).content.cloneNode(true).firstElementChild;
  return { element, part: (selector) => element.querySelector(selector) };
}

/** What a user is called. */
export const nameOf = (id) => id.slice(0, 1).toUpperCase() + id.slice(1);

/** Initial and tone of somebody's avatar. */
export function paintAvatar(element, id) {
  element.textContent = nameOf(id).slice(0, 1);
  element.dataset.tone = id.codePointAt(0) % 4;
}

const running = new Set();

/** One at a time, however often a button is pressed. It is not disabled meanwhile: that would take its focus away. */
export async function once(source, work) {
  if (running.has(source)) return;
  running.add(source);
  try {
    await work();
  } finally {
    running.delete(source);
  }
}

export function act(source, work) {
  void once(source, () => {
    showProblem("");
    showNotice("");
    return work();
  });
}

export const onClick = (id, work) => byId(id).addEventListener("click", () => act(byId(id), work));

export function onSubmit(id, work) {
  byId(id).addEventListener("submit", (event) => {
    event.preventDefault();
    act(byId(id), work);
  });
}
