import type { Backend } from "../../lib/index.ts";
import {
  afterThisTest,
  ask,
  data,
  open,
  places,
  type Served,
  send,
  serve,
  sidOf,
  signIn,
} from "../realtime/support.ts";
import { type Browser, closed, messages } from "../support/browser.ts";
import { keepCookies } from "../support/cookie-jar.ts";
import { handshakeStatus, me } from "../users/support.ts";
import { signed } from "../websocket/support.ts";

const NAME = "connect.sid";
const leaked = "an old secret that somebody has published, 32 bytes";
const current = "the secret that is in use now, of 32 bytes and more";

/** Sets an attacker's cookies in a victim's browser, as a page of a sibling domain can. */
function plant(victim: Browser, attacker: Browser): void {
  for (const [name, value] of attacker.cookies) victim.cookies.set(name, value);
}

async function logIn(browser: Browser, user = "ada"): Promise<void> {
  expect((await browser.post("/login", { json: { user } })).status).toBe(200);
}

describe.each(places)("session fixation, on $place", ({ open: openBackend }) => {
  let backend: Backend;
  let served: Served;
  let attacker: Browser;
  let victim: Browser;

  beforeEach(async () => {
    backend = await openBackend();
    served = await serve({
      backend,
      session: { secret: [current, leaked] },
      setUp: (chat) =>
        chat
          .on("login", async ({ req }) => {
            await served.users.logIn(req, "ada");
          })
          .on("save", async ({ req }, { value }) => {
            data(req).value = value;
            await req.session.save();
          }),
    });
    attacker = served.browser();
    victim = served.browser();
  });

  /** Asserts that these cookies open no user's session, by HTTP and on a connection. */
  async function expectNobody(browser: Browser): Promise<void> {
    expect(await me(browser)).not.toHaveProperty("login");
    const { ws, line } = await open(served, browser);
    expect(line.userId).toBeUndefined();
    ws.terminate();
  }

  test("a planted session does not become the victim's session at the login", async () => {
    await attacker.post("/set", { json: { cart: "the attacker's" } });
    plant(victim, attacker);
    const planted = sidOf(attacker);
    await logIn(victim);
    expect(sidOf(victim)).not.toBe(planted);
    expect(await me(victim)).toEqual({ login: expect.objectContaining({ userId: "ada" }) });
    expect(await backend.sessions.read(planted)).toBeUndefined();
    await expectNobody(attacker);
  });

  test("data that the attacker writes during and after the victim's login reaches nobody", async () => {
    await attacker.post("/set", { json: { cart: 0 } });
    plant(victim, attacker);
    const cookie = { cookie: `${NAME}=${attacker.cookies.get(NAME)}` };
    const writes = Array.from({ length: 10 }, (_, n) =>
      attacker.post("/set", { headers: cookie, json: { cart: n, login: { userId: "eve" } } }),
    );
    await Promise.all([logIn(victim), ...writes]);
    await attacker.post("/set", { headers: cookie, json: { cart: "late" } });
    expect(await me(victim)).toEqual({ login: expect.objectContaining({ userId: "ada" }) });
    const late = await attacker.get("/me", { headers: cookie });
    expect(late.json()).toEqual({});
  });

  test("a login of the attacker on the planted session at the same time gets another session", async () => {
    await attacker.post("/set", { json: { cart: 0 } });
    plant(victim, attacker);
    // One of the two logins may find the session gone that it would replace.
    await Promise.allSettled([logIn(victim, "ada"), logIn(attacker, "eve")]);
    await logIn(victim, "ada");
    expect(sidOf(victim)).not.toBe(sidOf(attacker));
    expect(await me(victim)).toEqual({ login: expect.objectContaining({ userId: "ada" }) });
    expect(await me(attacker)).not.toMatchObject({ login: { userId: "ada" } });
  });

  test("an open connection of the planted session closes, and receives nothing of the victim", async () => {
    await attacker.post("/set", { json: { cart: 0 } });
    const { ws } = await open(served, attacker);
    plant(victim, attacker);
    await logIn(victim);
    await served.chat.user("ada").send("secret", {});
    send(ws, "save", { value: "the attacker's" });
    expect(await closed(ws)).toEqual({ code: 4009, reason: "session_replaced" });
    expect(messages(ws).all.join()).not.toContain("secret");
    expect(await me(victim)).not.toHaveProperty("value");
    await expectNobody(attacker);
  });

  test("a guest's connection with a planted cookie comes back as a guest's connection", async () => {
    const { ws } = await open(served, attacker);
    expect(attacker.cookies.size).toBe(1);
    plant(victim, attacker);
    await logIn(victim);
    await served.chat.user("ada").send("secret", {});
    expect(await closed(ws)).toEqual({ code: 4009, reason: "session_replaced" });
    expect(messages(ws).all.join()).not.toContain("secret");
    await expectNobody(attacker);
  });

  test.each([
    ["unsigned", () => "planted-by-eve"],
    ["with s: and no signature", () => "s%3Aplanted-by-eve"],
    ["signed by a guess", () => signed("planted-by-eve", "guess")],
    [
      "signed by an older secret that has leaked and is still accepted",
      () => signed("planted-by-eve", leaked),
    ],
    ["signed by the secret of now", () => signed("planted-by-eve", current)],
  ])("an id that the attacker chose, %s, opens no session before or after the login", async (_, made) => {
    const value = made();
    victim.cookies.set(NAME, value);
    await victim.post("/set", { json: { cart: 1 } });
    expect(sidOf(victim)).not.toBe("planted-by-eve");
    victim.cookies.set(NAME, value);
    expect(await handshakeStatus(victim)).toBe(101);
    await logIn(victim);
    expect(sidOf(victim)).not.toBe("planted-by-eve");
    attacker.cookies.set(NAME, value);
    await expectNobody(attacker);
    expect(await backend.sessions.read("planted-by-eve")).toBeUndefined();
  });

  test("a handshake plants nothing: its answer has no session cookie, and a connection cannot log in", async () => {
    attacker.cookies.set(NAME, signed("planted-by-eve", leaked));
    const before = new Map(attacker.cookies);
    const { ws, line } = await open(served, attacker);
    expect(attacker.cookies.get(NAME)).toBe(before.get(NAME));
    expect(await ask(ws, "login")).toMatchObject({ status: "error" });
    expect(served.failures.splice(0)).toMatchObject([{ error: { code: "ERR_SESSION_NOT_CARRIED" } }]);
    expect(await backend.sessionIndex.entries("ada")).toEqual([]);
    expect(line.userId).toBeUndefined();
    await expectNobody(attacker);
  });

  test("a connection cannot log in on a planted session, because the attacker knows the id", async () => {
    await attacker.post("/set", { json: { cart: 0 } });
    plant(victim, attacker);
    const { ws } = await open(served, victim);
    expect(await ask(ws, "login")).toMatchObject({ status: "error" });
    expect(served.failures.splice(0)).toMatchObject([{ error: { code: "ERR_SESSION_NOT_CARRIED" } }]);
    expect(await backend.sessionIndex.entries("ada")).toEqual([]);
    expect(await me(victim)).toEqual({ cart: 0 });
    await expectNobody(attacker);
  });

  test("a Set-Cookie line of an earlier response opens nothing after the login", async () => {
    const { setCookies } = await victim.post("/set", { json: { cart: 0 } });
    await logIn(victim);
    await logIn(victim);
    keepCookies(attacker.cookies, setCookies);
    await expectNobody(attacker);
  });

  test("a victim in the attacker's own login leaves it with a login", async () => {
    const eve = await signIn(served, "eve");
    plant(victim, eve);
    await logIn(victim);
    afterThisTest(() => expect(served.errors).toEqual([]));
    expect(await me(victim)).toEqual({ login: expect.objectContaining({ userId: "ada" }) });
    await expectNobody(eve);
  });
});
