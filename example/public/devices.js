import { byId, fromTemplate } from "./dom.js";

const list = byId("devices");
const signOutOthers = byId("sign-out-others");

/** Shows where the user is signed in; `signOut(device, button)` is what the button of each does. */
export function showDevices(devices, signOut) {
  const hadFocus = [list, signOutOthers].some((element) => element.contains(document.activeElement));
  // Those that stay keep their elements, and with them the focus.
  const before = new Map([...list.children].map((item) => [item.dataset.id, item]));
  list.replaceChildren(
    ...devices.map((device) => {
      const item = before.get(device.id) ?? newItem(device, signOut);
      fill(item, device);
      return item;
    }),
  );
  signOutOthers.hidden = devices.every(({ isThis }) => isThis);
  restoreFocus(hadFocus);
}

function newItem(device, signOut) {
  const { element, part } = fromTemplate("device-template");
  element.dataset.id = device.id;
  part("button").addEventListener("click", ({ currentTarget }) => signOut(device, currentTarget));
  return element;
}

function fill(item, { browser, ip, signedInAt, connections, isThis }) {
  const part = (selector) => item.querySelector(selector);
  part(".browser").textContent = browser;
  part(".ip").textContent = ip ?? "unknown address";
  part(".connections").textContent = connections === 1 ? "1 tab open" : `${connections || "no"} tabs open`;
  showTime(part(".signed-in-at"), signedInAt);
  part(".which").textContent = ` ${browser}, ${ip ?? "unknown address"}`;
  part(".badge").hidden = !isThis;
  part("button").hidden = isThis;
}

function showTime(element, isoTime) {
  element.dateTime = isoTime ?? "";
  const options = { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" };
  element.textContent = isoTime === null ? "once" : new Date(isoTime).toLocaleString("en", options);
}

/** What had the focus may be gone: a reader then goes on from the heading. */
function restoreFocus(hadFocus) {
  const { activeElement } = document;
  if (hadFocus && (activeElement === document.body || activeElement.hidden)) byId("devices-heading").focus();
}
