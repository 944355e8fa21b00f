import { byId, fromTemplate, nameOf, paintAvatar } from "./dom.js";

/** How far from its end the log still follows new messages. */
const NEAR_PX = 80;

const log = byId("log");
const list = byId("messages");
const byMessageId = new Map();
let isAtEnd = true;

export function clearLog() {
  byMessageId.clear();
  isAtEnd = true;
  list.replaceChildren();
  byId("no-messages").hidden = true;
}

/** Shows messages that are not shown yet. Those of a history are not read out. */
export function showHistory(messages, me) {
  log.ariaLive = "off";
  for (const message of messages) showMessage(message, me);
  byId("no-messages").hidden = byMessageId.size > 0;
  requestAnimationFrame(() => {
    log.ariaLive = "polite";
  });
}

export function showMessage({ id, from, text, at }, me) {
  const isOwn = from === me;
  let item = byMessageId.get(id);
  if (item && !item.matches(".waiting, .refused")) return;
  item ??= newItem({ id, from, text, isOwn });
  item.classList.remove("waiting", "refused");
  const time = item.querySelector("time");
  time.dateTime = new Date(at).toISOString();
  time.textContent = new Date(at).toLocaleTimeString("en", { timeStyle: "short" });
  item.querySelector(".fate").textContent = "";
  insert(item);
  follow(isAtEnd || isOwn);
}

/** Shows a message of one's own that the server has not taken yet. */
export function showWaiting({ id, from, text }) {
  const item = byMessageId.get(id) ?? newItem({ id, from, text, isOwn: true });
  item.classList.remove("refused");
  item.classList.add("waiting");
  item.querySelector(".fate").textContent = "Sending…";
  list.append(item);
  join(item);
  byId("no-messages").hidden = true;
  follow(true);
}

/** Says of waiting messages why they wait. */
export function explainWaiting(text) {
  for (const fate of list.querySelectorAll(".waiting .fate")) fate.textContent = text;
}

/** Says why a waiting message was not sent; `again()` and `discard()` are what its buttons do. */
export function showRefused({ id, reason }, { again, discard }) {
  const item = byMessageId.get(id);
  if (!item) return;
  item.classList.replace("waiting", "refused");
  item.querySelector(".fate").textContent = `Not sent: ${reason}`;
  item.querySelector(".again").onclick = again;
  item.querySelector(".discard").onclick = () => {
    byMessageId.delete(id);
    item.remove();
    discard();
  };
}

function newItem({ id, from, text, isOwn }) {
  const { element, part } = fromTemplate("message-template");
  element.dataset.from = from;
  element.classList.toggle("own", isOwn);
  paintAvatar(part(".avatar"), from);
  part(".author").textContent = isOwn ? "You" : nameOf(from);
  part(".text").textContent = text;
  byMessageId.set(id, element);
  return element;
}

function follow(isFollowing) {
  if (isFollowing) log.scrollTop = log.scrollHeight;
}

/** What waits stays below. */
function insert(item) {
  list.insertBefore(item, list.querySelector(".waiting, .refused"));
  join(item);
  if (item.nextElementSibling) join(item.nextElementSibling);
  byId("no-messages").hidden = true;
}

/** Messages of one author stand together. */
function join(item) {
  item.classList.toggle("same-author", item.previousElementSibling?.dataset.from === item.dataset.from);
}

log.addEventListener("scroll", () => {
  isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_PX;
});
// A phone's keyboard takes half of the log away.
new ResizeObserver(() => follow(isAtEnd)).observe(log);
