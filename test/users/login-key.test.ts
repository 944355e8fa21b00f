import { memoryBackend, sessionMiddleware } from "../../lib/index.ts";
import { byOwner, indexed, me, places, secret, serve, sidOf, signIn } from "./support.ts";

// Once, the stack used `session.login` even if an app had its own data there.
describe.each(places)("on $place, with a loginKey, an app's own `login`", ({ open }) => {
  const session = { loginKey: "signedIn" };
  const signedIn = { userId: "ada", at: expect.any(Number), ip: "127.0.0.1" };

  test("stays as it is, and `logIn` writes under the other name", async () => {
    const backend = await open();
    const served = await serve({ backend, session, users: { keep: ["login"], maxSessionsPerUser: 2 } });
    const browser = served.browser();
    await browser.post("/set", { json: { login: "form" } });
    await browser.post("/login", { json: { user: "ada" }, headers: { "user-agent": "a browser" } });
    const expected = { login: "form", signedIn: { ...signedIn, userAgent: "a browser" } };
    expect(await me(browser)).toEqual(expected);
    const ws = await browser.webSocket("/ws");
    expect(served.opened[0]?.req.session).toMatchObject(expected);
    expect(await served.users.listUserSessions("ada")).toMatchObject([
      {
        sid: sidOf(browser),
        createdAt: expect.any(Number),
        ip: "127.0.0.1",
        userAgent: "a browser",
        connections: 1,
      },
    ]);
    await browser.post("/set", { json: { login: { userId: "grace" } } });
    expect(await indexed(backend, "ada")).toEqual([sidOf(browser)]);
    expect(await indexed(backend, "grace")).toEqual([]);
    await browser.post("/set", { json: { login: null } });
    expect(await me(browser)).toEqual({ signedIn: expected.signedIn });
    expect(await served.users.deleteUserSessions("ada")).toMatchObject({
      sessionsDeleted: 1,
      connectionsClosed: 1,
    });
    ws.terminate();
  });

  test("stays as it is when code that only sets a field changes the user", async () => {
    const backend = await open();
    const served = await serve({ backend, session: { ...session, userId: byOwner } });
    const browser = served.browser();
    await browser.post("/set", { json: { owner: "ada", login: { userId: "the app's" } } });
    expect(await me(browser)).toMatchObject({ login: { userId: "the app's" }, signedIn });
    expect(await served.users.listUserSessions("ada")).toMatchObject([{ ip: "127.0.0.1" }]);
    await browser.post("/set", { json: { owner: null } });
    expect(await me(browser)).toEqual({ login: { userId: "the app's" } });
  });

  test("is ignored when sessions are verified", async () => {
    const backend = await open();
    const served = await serve({ backend, session });
    const browser = await signIn(served);
    await browser.post("/set", { json: { login: { userId: "grace" } } });
    expect(await served.users.verifyAllUserSessions()).toEqual({ sessions: 1, orphans: 0 });
  });
});

test.each(["", "cookie", "id", "req", "save", "__proto__", "constructor", 7, null, {}])(
  "a loginKey that is %p is a TypeError that names it",
  (loginKey) => {
    const create = () =>
      sessionMiddleware({ secret, backend: memoryBackend(), loginKey: loginKey as string });
    expect(create).toThrow(TypeError);
    expect(create).toThrow('"loginKey"');
  },
);
