import { ask } from "./api.js";
import { count } from "./chat.js";
import { browserName, showDevices } from "./devices.js";
import { act, byId, nameOf, onClick, onSubmit, paintAvatar } from "./dom.js";
import { showNotice } from "./toasts.js";

let refresh;

/** Shows the user's sessions; `again()` looks for them anew. */
export function showAccount({ user, since, httpCount, webSocketCount, devices }, again) {
  refresh = again;
  byId("http-count").textContent = httpCount;
  byId("web-socket-count").textContent = webSocketCount;
  byId("account-heading").textContent = nameOf(user);
  byId("password-user").value = user;
  paintAvatar(byId("avatar"), user);
  byId("since").dateTime = new Date(since).toISOString();
  byId("since").textContent = new Date(since).toLocaleTimeString("en", { timeStyle: "short" });
  showDevices(devices, signOutDevice);
}

/** Leaves nothing of a user behind. */
export function leaveAccount() {
  byId("change-password").reset();
  showDevices([]);
  togglePanel(false);
}

function signOutDevice({ createdAt, userAgent }, button) {
  act(button, async () => {
    if (await ask("POST", `/api/devices/${createdAt}/sign-out`)) {
      showNotice(`${browserName(userAgent)} was signed out.`);
    }
    await refresh();
  });
}

function othersSignedOut({ sessionsDeleted }) {
  return sessionsDeleted === 1
    ? "1 other device was signed out."
    : `${sessionsDeleted} other devices were signed out.`;
}

/** On a narrow page the account takes the place of the room. */
function togglePanel(isOpen) {
  const toggle = byId("account-toggle");
  toggle.ariaExpanded = String(isOpen);
  toggle.textContent = isOpen ? "Close" : "Account";
  byId("signed-in").classList.toggle("account-open", isOpen);
}

onClick("account-toggle", () => {
  const isOpen = byId("account-toggle").ariaExpanded !== "true";
  togglePanel(isOpen);
  if (isOpen) byId("account-heading").focus();
});

onClick("count-http", async () => {
  if (await ask("POST", "/api/count")) await refresh();
});

onClick("count-web-socket", () => byId("count-web-socket").ariaDisabled !== "true" && count());

onClick("sign-out-others", async () => {
  const answer = await ask("POST", "/api/devices/sign-out-others");
  if (answer) showNotice(othersSignedOut(answer));
  await refresh();
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
  await refresh();
});
