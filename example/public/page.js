import { showDevices } from "./devices.js";
import { Line } from "./line.js";

const NOBODY = { name: null, firstVisit: null, httpCount: 0, webSocketCount: 0 };

const byId = (id) => document.getElementById(id);

// --- What the page shows ---

let isSignedIn = false;

function showSession({ name, firstVisit, httpCount, webSocketCount }) {
  const wasSignedIn = isSignedIn;
  isSignedIn = name !== null;
  byId("user-name").textContent = name ?? "";
  byId("password-user").value = name?.toLowerCase() ?? "";
  byId("http-count").textContent = httpCount;
  byId("web-socket-count").textContent = webSocketCount;
  if (firstVisit) {
    byId("first-visit").dateTime = firstVisit;
    byId("first-visit").textContent = new Date(firstVisit).toLocaleTimeString("en", { timeStyle: "short" });
  }
  showSection();
  if (isSignedIn && !wasSignedIn) enter();
  if (wasSignedIn && !isSignedIn) leave();
}

function showSection() {
  const [shown, gone] = isSignedIn ? ["signed-in", "signed-out"] : ["signed-out", "signed-in"];
  // Focus goes along, and only if it was in what goes: nobody is torn away from something else.
  const hadFocus = byId(gone).contains(document.activeElement);
  byId(gone).hidden = true;
  byId(shown).hidden = false;
  if (hadFocus) byId(isSignedIn ? "signed-in-heading" : "user").focus();
}

function enter() {
  showNotice("");
  void refreshDevices();
}

/** Leaves nothing of a user behind, and says why the page has changed. */
function leave() {
  byId("change-password").reset();
  showDevices([]);
  showProblem("");
  showNotice(running.has(byId("sign-out")) ? "You have signed out." : "You were signed out.");
}

function showLine(state, text) {
  byId("line").dataset.state = state;
  byId("line-text").textContent = text;
  byId("count-web-socket").ariaDisabled = String(state !== "open");
}

function showMessage(id, text) {
  byId(id).textContent = text;
  byId(id).hidden = text === "";
}

const showProblem = (text) => showMessage("problem", text);
const showNotice = (text) => showMessage("notice", text);

// --- HTTP ---

/** Asks the server; gives what it answered, or undefined once the problem is shown. */
async function ask(method, path, body) {
  try {
    const response = await fetch(path, {
      method,
      headers: body && { "Content-Type": "application/json" },
      body: body && JSON.stringify(body),
    });
    if (response.ok) return response.status === 204 ? {} : await response.json();
    const { error } = await response.json();
    // Signed out in the meantime: the page is to show it.
    if (response.status === 401 && isSignedIn) showSession(NOBODY);
    else showProblem(error);
  } catch {
    showProblem("The server does not answer.");
  }
  return undefined;
}

let lastAsked = 0;

async function refreshDevices() {
  const asked = ++lastAsked;
  const devices = await ask("GET", "/api/devices");
  // Answers may overtake each other: only the latest is shown.
  if (devices && isSignedIn && asked === lastAsked) showDevices(devices, signOutDevice);
}

/** Looks at what may have changed while nobody did: here on other devices, or in another tab. */
async function refresh() {
  const session = await ask("GET", "/api/session");
  if (!session) return;
  showSession(session);
  if (!isSignedIn) return;
  if (line.isClosed || session.name !== lineName) connect(session);
  await refreshDevices();
}

// --- WebSocket ---

/** Whose session the connection has. */
let lineName = null;

const line = new Line({
  state(state, text) {
    showLine(state, text);
    if (state !== "open") return;
    showProblem("");
    // There is one connection more now.
    if (isSignedIn) void refreshDevices();
  },
  event({ event_type: type, data }) {
    if (type === "error") showProblem(data.message);
    if (type !== "session.state") return;
    lineName = data.name;
    showSession(data);
  },
  ended() {
    showSession(NOBODY);
  },
});

function connect({ name }) {
  lineName = name;
  line.connect();
}

// --- What the visitor does ---

const running = new Set();

/** One at a time, however often a button is pressed. It is not disabled meanwhile: that would take its focus away. */
async function once(source, work) {
  if (running.has(source)) return;
  running.add(source);
  try {
    await work();
  } finally {
    running.delete(source);
  }
}

function act(source, work) {
  void once(source, () => {
    showProblem("");
    showNotice("");
    return work();
  });
}

const onClick = (id, work) => byId(id).addEventListener("click", () => act(byId(id), work));

function onSubmit(id, work) {
  byId(id).addEventListener("submit", (event) => {
    event.preventDefault();
    act(byId(id), work);
  });
}

onSubmit("sign-in", async () => {
  const [user, password] = [byId("user").value, byId("password").value];
  const session = await ask("POST", "/api/sign-in", { user, password });
  if (!session) {
    byId("password").select();
    return;
  }
  byId("sign-in").reset();
  showSession(session);
  connect(session);
});

onClick("sign-out", async () => {
  if (await ask("POST", "/api/sign-out")) showSession(NOBODY);
});

onClick("count-http", async () => {
  const session = await ask("POST", "/api/count");
  if (session) showSession(session);
});

onClick("count-web-socket", () => {
  if (line.isOpen) line.send("count.add");
});

function signOutDevice({ id, browser }, button) {
  act(button, async () => {
    if (await ask("POST", `/api/devices/${id}/sign-out`)) showNotice(`${browser} was signed out.`);
    await refreshDevices();
  });
}

onClick("sign-out-others", async () => {
  const answer = await ask("POST", "/api/devices/sign-out-others");
  if (answer) showNotice(`${othersSignedOut(answer)}.`);
  await refreshDevices();
});

onSubmit("change-password", async () => {
  const [current, next] = [byId("current-password").value, byId("next-password").value];
  const answer = await ask("POST", "/api/password", { current, next });
  if (answer) {
    byId("change-password").reset();
    showNotice(`The password is changed. ${othersSignedOut(answer)}.`);
  } else {
    byId("current-password").select();
  }
  await refreshDevices();
});

function othersSignedOut({ sessionsEnded }) {
  return sessionsEnded === 1
    ? "1 other device was signed out"
    : `${sessionsEnded} other devices were signed out`;
}

function look() {
  if (document.visibilityState === "visible") void once(refresh, refresh);
}

window.addEventListener("focus", look);
// On phones, a tab that is shown again need not get the focus.
document.addEventListener("visibilitychange", look);

await refresh();
if (!isSignedIn) line.connect();
