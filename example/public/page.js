import { leaveAccount, showAccount } from "./account.js";
import { ask, whenSignedOut } from "./api.js";
import { connect, disconnect } from "./chat.js";
import { showDevicesAsTheyWere } from "./devices.js";
import { byId, nameOf, onClick, onSubmit } from "./dom.js";
import { unsentByUser } from "./outbox.js";
import { showNotice, showProblem } from "./toasts.js";

/** The session of who is signed in. */
let shown = { user: null };
let isSigningOut = false;
let lastAsked = 0;

function show(session) {
  if (session.user === null) {
    leave();
  } else if (session.user !== shown.user) {
    enter(session);
  } else {
    showAccount(session, refresh);
  }
}

function enter(session) {
  const isAnew = shown.user !== null;
  shown = session;
  if (isAnew) leaveAccount();
  showNotice("");
  showWhy("");
  showAccount(session, refresh);
  showView("signed-in", "text");
  connect(session.user, {
    accountChanged: refresh,
    lineLost: showDevicesAsTheyWere,
    ended: leave,
    userChanged: enterAnew,
  });
}

/** Shows nothing of a user any more, and says why the page has changed. */
function leave() {
  const { user } = shown;
  shown = { user: null };
  showView("signed-out", "user");
  showUnsent();
  if (user === null) return false;
  disconnect();
  leaveAccount();
  document.title = "Session chat";
  showProblem("");
  if (isSigningOut) showNotice("You have signed out.", "plain");
  else showWhy("You were signed out. Please sign in again.");
  return true;
}

/** The session is another user's now, by another tab. */
async function enterAnew() {
  const before = shown;
  disconnect();
  leaveAccount();
  byId("signed-in").hidden = true;
  shown = { user: null };
  await refresh();
  if (shown.user !== null) return;
  shown = before;
  leave();
}

/** Stands on the page and does not go: who comes back later wants to know it, too. */
function showWhy(text) {
  byId("signed-out-why").textContent = text;
  byId("signed-out-why").hidden = text === "";
}

function showUnsent() {
  const kept = unsentByUser().map(([user, { length }]) => `${length} of ${nameOf(user)}`);
  const text = `Messages not sent yet: ${kept.join(", ")}. They are kept until their user signs in here.`;
  byId("unsent").textContent = kept.length > 0 ? text : "";
  byId("unsent").hidden = kept.length === 0;
}

function showView(view, focus) {
  const gone = view === "signed-in" ? "signed-out" : "signed-in";
  if (!byId(view).hidden) return;
  byId(gone).hidden = true;
  byId(view).hidden = false;
  byId(focus).focus();
}

whenSignedOut(() => shown.user !== null && leave());

onSubmit("sign-in", async () => {
  const [user, password] = [byId("user").value, byId("password").value];
  if (!(await ask("POST", "/api/sign-in", { user, password }))) {
    byId("password").select();
    return;
  }
  byId("sign-in").reset();
  await refresh();
});

for (const button of document.querySelectorAll(".demo-user")) {
  button.addEventListener("click", () => {
    const [user, password] = button.querySelectorAll("code");
    byId("user").value = user.textContent;
    byId("password").value = password.textContent;
    byId("sign-in").querySelector("button").focus();
  });
}

onClick("sign-out", async () => {
  isSigningOut = true;
  if (await ask("POST", "/api/sign-out")) leave();
  isSigningOut = false;
});

/** Looks how the session is now: somebody may have signed in or out meanwhile, in another tab. */
async function refresh() {
  const asked = ++lastAsked;
  let session = await ask("GET", "/api/account");
  // The session may have been replaced while this was asked: then there is another cookie now.
  if (session?.user === null && shown.user !== null) session = await ask("GET", "/api/account");
  // Answers may overtake each other: only the latest is shown.
  if (session && asked === lastAsked) show(session);
}

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") void refresh();
});

await refresh();
// Without an answer there is nobody yet.
if (shown.user === null) leave();
