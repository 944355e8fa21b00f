/** How long a message stays at least; it stays on while it is hovered, has the focus, or nobody looks at the page. */
const SHOWN_MS = { problem: 9000, notice: 6000 };
const LINGER_MS = 1500;

const timers = {};
/** What had the focus before a toast got it. */
let before;

/** What went wrong. */
export const showProblem = (text) => show("problem", text);

/** What was done; a plain one is no success, only said. */
export function showNotice(text, look = "good") {
  document.getElementById("notice").dataset.look = look;
  show("notice", text);
}

function show(id, text) {
  const toast = document.getElementById(id);
  if (text === "" && toast.contains(document.activeElement)) before?.focus();
  toast.querySelector("p").textContent = text;
  toast.classList.toggle("gone", text === "");
  clearTimeout(timers[id]);
  if (text !== "") leaveAfter(toast, SHOWN_MS[id]);
}

function leaveAfter(toast, ms) {
  timers[toast.id] = setTimeout(() => {
    if (document.hidden || toast.matches(":hover, :focus-within")) leaveAfter(toast, LINGER_MS);
    else show(toast.id, "");
  }, ms);
}

for (const id of Object.keys(SHOWN_MS)) {
  const toast = document.getElementById(id);
  toast.addEventListener("click", () => show(id, ""));
  toast.addEventListener("focusin", ({ relatedTarget }) => {
    if (!relatedTarget?.closest(".notices")) before = relatedTarget;
  });
}

document.addEventListener("keydown", ({ key }) => {
  if (key === "Escape") for (const id of Object.keys(SHOWN_MS)) show(id, "");
});
