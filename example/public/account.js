import { ask } from "./api.js";
import { count } from "./chat.js";
import { showDevices } from "./devices.js";
import { act, byId, onClick, onSubmit, paintAvatar, showNotice } from "./dom.js";

let device;
let lastAsked = 0;

/** Shows the session, if it is the one that the page has: the server tells all pages of the user. */
export function showSession(session) {
  if (session.device !== device) return;
  byId("http-count").textContent = session.httpCount;
  byId("web-socket-count").textContent = session.webSocketCount;
}

export function enterAccount(session) {
  device = session.device;
  showSession(session);
  byId("account-heading").textContent = session.name;
  byId("password-user").value = session.user;
  paintAvatar(byId("avatar"), session.user, session.name);
  const since = new Date(session.firstVisit);
  byId("first-visit").dateTime = session.firstVisit;
  byId("first-visit").textContent = since.toLocaleTimeString("en", { timeStyle: "short" });
}

/** Leaves nothing of a user behind. */
export function leaveAccount() {
  device = undefined;
  byId("change-password").reset();
  showDevices([]);
  togglePanel(false);
}

export async function refreshDevices() {
  const asked = ++lastAsked;
  const devices = await ask("GET", "/api/devices");
  // Answers may overtake each other: only the latest is shown.
  if (devices && device !== undefined && asked === lastAsked) showDevices(devices, signOutDevice);
}

function signOutDevice({ id, browser }, button) {
  act(button, async () => {
    if (await ask("POST", `/api/devices/${id}/sign-out`)) showNotice(`${browser} was signed out.`);
    await refreshDevices();
  });
}

function othersSignedOut({ sessionsEnded }) {
  return sessionsEnded === 1
    ? "1 other device was signed out."
    : `${sessionsEnded} other devices were signed out.`;
}

/** On a narrow page the account takes the place of the room. */
function togglePanel(isOpen) {
  const toggle = byId("account-toggle");
  toggle.ariaExpanded = String(isOpen);
  toggle.textContent = isOpen ? "Close" : "Account";
  byId("signed-in").classList.toggle("account-open", isOpen);
}

byId("account-toggle").addEventListener("click", ({ currentTarget }) => {
  const isOpen = currentTarget.ariaExpanded !== "true";
  togglePanel(isOpen);
  if (isOpen) byId("account-heading").focus();
});

onClick("count-http", async () => {
  const session = await ask("POST", "/api/count");
  if (session) showSession(session);
});

onClick("count-web-socket", () => byId("count-web-socket").ariaDisabled !== "true" && count());

onClick("sign-out-others", async () => {
  const answer = await ask("POST", "/api/devices/sign-out-others");
  if (answer) showNotice(othersSignedOut(answer));
  await refreshDevices();
});

onSubmit("change-password", async () => {
  const [current, next] = [byId("current-password").value, byId("next-password").value];
  const answer = await ask("POST", "/api/password", { current, next });
  if (answer) {
    byId("change-password").reset();
    showNotice(`The password is changed. ${othersSignedOut(answer)}`);
  } else {
    byId("current-password").select();
  }
  await refreshDevices();
});
