import type { Backend } from "../../lib/index.ts";
import { closed } from "../support/browser.ts";
import { handshakeStatus, indexed, me, places, type Served, serve, sidOf, signIn } from "./support.ts";

const userAgent = "Mozilla/5.0 (X11; Linux x86_64)";

describe.each(places)("logIn on $place", ({ open }) => {
  let backend: Backend;
  let served: Served;

  beforeEach(async () => {
    backend = await open();
    served = await serve({ backend, users: { keep: ["cart", "absent"] } });
  });

  test("gives the session a new id, and the old one opens nothing", async () => {
    const browser = served.browser();
    await browser.post("/set", { json: { cart: [1] } });
    const planted = new Map(browser.cookies);
    await browser.post("/login", { json: { user: "ada" } });
    expect(browser.cookies.get("connect.sid")).not.toBe(planted.get("connect.sid"));
    const attacker = served.browser();
    for (const [name, value] of planted) attacker.cookies.set(name, value);
    expect(await me(attacker)).toEqual({});
  });

  test("keeps the fields that `keep` names and nothing else", async () => {
    const browser = served.browser();
    await browser.post("/set", { json: { cart: [1, { two: 2 }], isAdmin: true, login: { userId: "eve" } } });
    await browser.post("/login", { json: { user: "ada" } });
    expect(await me(browser)).toEqual({
      cart: [1, { two: 2 }],
      login: expect.objectContaining({ userId: "ada" }),
    });
  });

  test("writes the user, the time, the address and the user agent of the login", async () => {
    const before = Date.now();
    const browser = await signIn(served, "ada", { "user-agent": userAgent });
    const { login } = (await me(browser)) as { login: { at: number } };
    expect(login).toEqual({ userId: "ada", at: expect.any(Number), ip: "127.0.0.1", userAgent });
    expect(login.at).toBeGreaterThanOrEqual(before);
    expect(login.at).toBeLessThanOrEqual(Date.now());
  });

  test("takes the client's address from the proxy only if the app trusts it", async () => {
    const headers = { "x-forwarded-for": "203.0.113.7" };
    expect(await me(await signIn(served, "ada", headers))).toMatchObject({ login: { ip: "127.0.0.1" } });
    served.app.set("trust proxy", 1);
    expect(await me(await signIn(served, "ada", headers))).toMatchObject({ login: { ip: "203.0.113.7" } });
  });

  test("leaves the user agent out where there is none, and cuts one that is long", async () => {
    const without = (await me(await signIn(served))) as { login: object };
    expect(without.login).not.toHaveProperty("userAgent");
    const long = (await me(await signIn(served, "ada", { "user-agent": "a".repeat(8_000) }))) as {
      login: { userAgent: string };
    };
    expect(long.login.userAgent).toBe("a".repeat(512));
  });

  test.each([
    ["an id", "7"],
    ["a number", 7],
    ["an object with an id", { id: "7" }],
    ["an object with a number", { id: 7, name: "Ada" }],
  ])("takes %s", async (_name, user) => {
    const browser = await signIn(served, user);
    expect(await me(browser)).toMatchObject({ login: { userId: "7" } });
    for (const same of ["7", 7, { id: 7 }])
      expect(await served.users.listUserSessions(same)).toMatchObject([{ sid: sidOf(browser) }]);
  });

  test("takes the number 0, which is an id", async () => {
    await signIn(served, 0);
    expect(await served.users.listUserSessions(0)).toHaveLength(1);
  });

  test.each([
    ["nothing", null],
    ["an object without an id", { name: "Ada" }],
    ["an empty id", ""],
    ["an object with an empty id", { id: "" }],
    ["an object as the id", { id: {} }],
  ])("refuses %s with a TypeError that says so, and ends nothing", async (_name, user) => {
    const browser = await signIn(served);
    const response = await browser.post("/login", { json: { user } });
    expect(response.json()).toMatchObject({
      name: "TypeError",
      message: expect.stringContaining("expected a user"),
    });
    expect(await me(browser)).toMatchObject({ login: { userId: "ada" } });
  });

  test("as another user moves the session, and nothing of the first user stays", async () => {
    const browser = await signIn(served, "ada");
    await browser.post("/login", { json: { user: "grace" } });
    expect(await me(browser)).toMatchObject({ login: { userId: "grace" } });
    expect(await indexed(backend, "ada")).toEqual([]);
    expect(await indexed(backend, "grace")).toEqual([sidOf(browser)]);
    expect(served.events).toEqual(["user_logged_in ada", "user_logged_out ada", "user_logged_in grace"]);
  });
});

describe.each(places)("logOut on $place", ({ open }) => {
  test("ends the session, closes its connections and emits the event", async () => {
    const backend = await open();
    const served = await serve({ backend });
    const browser = await signIn(served);
    const tabs = [await browser.webSocket("/ws"), await browser.webSocket("/ws")];
    expect((await browser.post("/logout")).status).toBe(204);
    for (const ws of tabs) expect(await closed(ws)).toEqual({ code: 4501, reason: "session_ended" });
    expect(await me(browser)).toEqual({});
    expect(await indexed(backend, "ada")).toEqual([]);
    expect(served.events).toEqual(["user_logged_in ada", "user_logged_out ada"]);
  });

  test("does nothing for a visitor without a session, or when req.session is gone", async () => {
    const served = await serve({
      backend: await open(),
      routes: (app, { logOut }) => {
        app.post("/twice", async (req, res) => {
          await logOut(req);
          await logOut(req);
          res.sendStatus(204);
        });
      },
    });
    const browser = served.browser();
    expect((await browser.post("/logout")).status).toBe(204);
    expect((await browser.post("/twice")).status).toBe(204);
    expect(served.events).toEqual([]);
    expect(await handshakeStatus(browser)).toBe(101);
  });
});
