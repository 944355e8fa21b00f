import { byId, fromTemplate } from "./dom.js";

/** Most browsers also name those that they are like: the first that is found is the one. */
const BROWSERS = {
  Edg: "Edge",
  OPR: "Opera",
  Firefox: "Firefox",
  FxiOS: "Firefox",
  CriOS: "Chrome",
  Chrome: "Chrome",
  Safari: "Safari",
};
const SYSTEMS = {
  iPhone: "iPhone",
  iPad: "iPad",
  Android: "Android",
  Windows: "Windows",
  "Mac OS": "macOS",
  Linux: "Linux",
};

const list = byId("devices");
const signOutOthers = byId("sign-out-others");

/** What a reader calls a browser, such as "Firefox on Windows". */
export function browserName(userAgent = "") {
  const first = (names) => Object.entries(names).find(([part]) => userAgent.includes(part))?.[1];
  return [first(BROWSERS) ?? "Unknown browser", first(SYSTEMS)].filter(Boolean).join(" on ");
}

/** Shows where the user is signed in; `signOut(device, button)` is what the button of each does. */
export function showDevices(devices, signOut) {
  const hadFocus = [list, signOutOthers].some((element) => element.contains(document.activeElement));
  // Those that stay keep their elements, and with them the focus.
  const before = new Map([...list.children].map((item) => [item.dataset.id, item]));
  list.replaceChildren(
    ...devices.map((device) => {
      const item = before.get(`${device.createdAt}`) ?? newItem(device, signOut);
      fill(item, device);
      return item;
    }),
  );
  signOutOthers.hidden = devices.every(({ current }) => current);
  restoreFocus(hadFocus);
}

/** Without a connection: this device is offline, and of others is known how it was. */
export function showDevicesAsTheyWere() {
  for (const item of list.children) {
    const part = (selector) => item.querySelector(selector);
    const { textContent } = part(".connections");
    const isThis = !part(".badge").hidden;
    part(".connections").textContent = isThis
      ? "offline"
      : textContent.replace(/ open$/, " open when last seen");
  }
}

function newItem(device, signOut) {
  const { element, part } = fromTemplate("device-template");
  element.dataset.id = device.createdAt;
  part("button").addEventListener("click", ({ currentTarget }) => signOut(device, currentTarget));
  return element;
}

function fill(item, { userAgent, ip, createdAt, connections, current }) {
  const part = (selector) => item.querySelector(selector);
  const browser = browserName(userAgent);
  part(".browser").textContent = browser;
  part(".ip").textContent = ip ?? "unknown address";
  part(".connections").textContent = connections === 1 ? "1 tab open" : `${connections || "no"} tabs open`;
  showTime(part(".signed-in-at"), createdAt);
  part(".which").textContent = ` ${browser}, ${ip ?? "unknown address"}`;
  part(".badge").hidden = !current;
  part("button").hidden = current;
}

function showTime(element, time) {
  const options = { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" };
  element.dateTime = new Date(time).toISOString();
  element.textContent = new Date(time).toLocaleString("en", options);
}

/** What had the focus may be gone: a reader then goes on from the heading. */
function restoreFocus(hadFocus) {
  const { activeElement } = document;
  if (hadFocus && (activeElement === document.body || activeElement.hidden)) byId("devices-heading").focus();
}
