const list = document.getElementById("devices");
const template = document.getElementById("device");
const heading = document.getElementById("devices-heading");
const signOutOthers = document.getElementById("sign-out-others");

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
  const item = template.content.cloneNode(true).firstElementChild;
  item.dataset.id = device.id;
  item.querySelector("button").addEventListener("click", ({ currentTarget }) => {
    signOut(device, currentTarget);
  });
  return item;
}

function fill(item, { browser, ip, signedInAt, lastSeenAt, connections, isThis }) {
  const part = (name) => item.querySelector(name);
  part(".browser").textContent = browser;
  part(".ip").textContent = ip ?? "unknown";
  part(".connections").textContent = connections;
  showTime(part(".signed-in-at"), signedInAt, atTime);
  showTime(part(".last-seen-at"), lastSeenAt, ago);
  part(".which").textContent = ` ${browser}, ${ip ?? "unknown address"}`;
  part(".badge").hidden = !isThis;
  part("button").hidden = isThis;
}

function showTime(element, isoTime, wordsFor) {
  element.dateTime = isoTime ?? "";
  element.textContent = isoTime === null ? "unknown" : wordsFor(new Date(isoTime));
}

function atTime(date) {
  return date.toLocaleString("en", { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" });
}

const UNITS = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
];
const words = new Intl.RelativeTimeFormat("en");

function ago(date) {
  const ms = Date.now() - date;
  const [unit, length] = UNITS.find(([, unitMs]) => ms >= unitMs) ?? [];
  return unit ? words.format(-Math.floor(ms / length), unit) : "just now";
}

/** What had the focus may be gone: a reader then goes on from the heading. */
function restoreFocus(hadFocus) {
  const { activeElement } = document;
  if (hadFocus && (activeElement === document.body || activeElement.hidden)) heading.focus();
}
