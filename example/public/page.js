const RECONNECT_MS = { first: 500, longest: 10_000 };

/** What a close means to a reader; any other code is shown as it is. */
const CLOSE_MEANINGS = {
  1006: "The connection broke.",
  1011: "The server ran into an error.",
  1012: "The server is restarting.",
  4009: "The session has a new id.",
  4501: "This session was signed out, here or in another tab, or has expired.",
};

const byId = (id) => document.getElementById(id);

// --- What the page shows ---

function showSession({ name, firstVisit, httpCount, webSocketCount }) {
  const isSignedIn = name !== null;
  byId("visitor-name").textContent = name ?? "";
  byId("http-count").textContent = httpCount;
  byId("web-socket-count").textContent = webSocketCount;
  if (firstVisit) {
    byId("first-visit").dateTime = firstVisit;
    byId("first-visit").textContent = new Date(firstVisit).toLocaleTimeString();
  }
  showSection(isSignedIn);
}

function showSection(isSignedIn) {
  const [shown, gone] = isSignedIn ? ["signed-in", "signed-out"] : ["signed-out", "signed-in"];
  // Focus goes along, and only if it was in what goes: nobody is torn away from something else.
  const hadFocus = byId(gone).contains(document.activeElement);
  byId(gone).hidden = true;
  byId(shown).hidden = false;
  if (hadFocus) byId(isSignedIn ? "signed-in-heading" : "name").focus();
}

function showSignedOut() {
  showSession({ name: null, firstVisit: null, httpCount: 0, webSocketCount: 0 });
}

function showLine(state, text) {
  byId("line").dataset.state = state;
  byId("line-text").textContent = text;
  byId("count-web-socket").ariaDisabled = String(state !== "open");
}

function showProblem(text) {
  byId("problem").textContent = text;
  byId("problem").hidden = text === "";
}

// --- HTTP ---

/** Asks the server; gives what it answered, or undefined once the problem is shown. */
async function ask(method, path, body) {
  showProblem("");
  try {
    const response = await fetch(path, {
      method,
      headers: body && { "Content-Type": "application/json" },
      body: body && JSON.stringify(body),
    });
    if (response.ok) return response.status === 204 ? {} : await response.json();
    const { error } = await response.json();
    // Signed out in the meantime, perhaps: the page is to show it.
    if (response.status === 401) await refresh();
    showProblem(error);
  } catch {
    showProblem("The server does not answer.");
  }
  return undefined;
}

async function refresh() {
  const session = await ask("GET", "/api/session");
  if (session) showSession(session);
}

// --- WebSocket ---

let line;
let failures = 0;
let retry;

/** Opens the connection, in place of the one there is: a connection has the session of its handshake. */
function connect() {
  clearTimeout(retry);
  line?.close(1000);
  const opening = new WebSocket(`${location.origin.replace(/^http/, "ws")}/ws`);
  line = opening;
  showLine("connecting", "connecting");

  opening.addEventListener("open", () => {
    if (opening !== line) return;
    if (failures > 0) showProblem("");
    failures = 0;
    showLine("open", "open");
  });
  opening.addEventListener("message", ({ data }) => {
    if (opening === line) receive(JSON.parse(data));
  });
  opening.addEventListener("close", ({ code, reason }) => {
    if (opening === line) closed(code, reason);
  });
}

function receive({ event_type: type, data }) {
  if (type === "session.state") showSession(data);
  else if (type === "error") showProblem(data.message);
}

function closed(code, reason) {
  const cause = `closed with ${code} ${reason}`.trim();
  const text = `${cause}. ${CLOSE_MEANINGS[code] ?? ""}`.trim();
  // The range of the code says whether to come back.
  if (code >= 4500 && code <= 4999) {
    showLine("closed", text);
    showSignedOut();
    return;
  }
  const delayMs = Math.min(RECONNECT_MS.first * 2 ** failures, RECONNECT_MS.longest);
  failures += 1;
  showLine("closed", `${text} Trying again.`);
  // Not all pages at the same moment, after a restart of the server.
  retry = setTimeout(connect, delayMs * (0.5 + Math.random()));
}

// --- What the visitor does ---

/** Tabs without a session have nothing that the server could close: they are told by this one. */
const otherTabs = new BroadcastChannel("signed-in");

otherTabs.addEventListener("message", () => {
  void refresh();
  connect();
});

const busy = new Set();

/** One at a time, however often a button is pressed. It is not disabled meanwhile: that would take its focus away. */
async function once(source, work) {
  if (busy.has(source)) return;
  busy.add(source);
  try {
    await work();
  } finally {
    busy.delete(source);
  }
}

byId("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  void once(event.currentTarget, async () => {
    const session = await ask("POST", "/api/sign-in", { name: byId("name").value });
    if (!session) return;
    byId("name").value = "";
    showSession(session);
    connect();
    otherTabs.postMessage(null);
  });
});

byId("sign-out").addEventListener("click", ({ currentTarget }) => {
  void once(currentTarget, async () => {
    if (await ask("POST", "/api/sign-out")) showSignedOut();
  });
});

byId("count-http").addEventListener("click", ({ currentTarget }) => {
  void once(currentTarget, async () => {
    const session = await ask("POST", "/api/count");
    if (session) showSession(session);
  });
});

byId("count-web-socket").addEventListener("click", () => {
  if (line?.readyState !== WebSocket.OPEN) return;
  showProblem("");
  line.send(JSON.stringify({ event_type: "count.add", data: {} }));
});

await refresh();
connect();
