import type { Backend } from "../../lib/index.ts";
import {
  beforeNext,
  byOwner,
  data,
  indexed,
  me,
  places,
  type Served,
  serve,
  sidOf,
  signIn,
} from "./support.ts";

/** Moments of a login at which other calls can come in between. */
const moments: { moment: string; at: (backend: Backend, step: () => unknown) => void }[] = [
  { moment: "after its entry", at: ({ sessions }, step) => beforeNext(sessions, "write", step) },
  { moment: "after its session", at: ({ sessionIndex }, step) => beforeNext(sessionIndex, "confirm", step) },
];

describe.each(places)("on $place, a login that runs while the user's sessions are deleted", ({ open }) => {
  let backend: Backend;

  beforeEach(async () => {
    backend = await open();
  });

  /** Asserts that nothing of the user is left in the store and in the index. */
  async function expectNothingOf(userId: string, served: Served): Promise<void> {
    expect(await indexed(backend, userId)).toEqual([]);
    expect(await served.users.listUserSessions(userId)).toEqual([]);
    for await (const [, stored] of backend.sessions.walk()) expect(stored.login?.userId).not.toBe(userId);
    expect((await served.users.deleteUserSessions(userId)).sessionsDeleted).toBe(0);
  }

  test.each(moments)("is refused, $moment, and its cookie opens nothing", async ({ at }) => {
    const served = await serve({ backend });
    const earlier = await signIn(served);
    at(backend, () => served.users.deleteUserSessions("ada"));
    const browser = served.browser();
    const response = await browser.post("/login", { json: { user: "ada" } });
    expect(response.status).toBe(401);
    expect(response.json()).toMatchObject({ code: "ERR_SESSION_DELETED" });
    for (const visitor of [browser, earlier]) expect(await me(visitor)).toEqual({});
    await expectNothingOf("ada", served);
    expect(served.events).toEqual(["user_logged_in ada"]);
  });

  test.each(moments)("is refused, $moment, where code only sets a field", async ({ at }) => {
    const served = await serve({ backend, session: { userId: byOwner } });
    const browser = served.browser();
    await browser.post("/set", { json: { color: "red" } });
    at(backend, () => served.users.deleteUserSessions("ada"));
    const response = await browser.post("/set", { json: { owner: "ada" } });
    // As of any session that was deleted meanwhile: not stored, and the response is delivered.
    expect(response.status).toBe(200);
    expect(await me(browser)).toEqual({});
    await expectNothingOf("ada", served);
  });

  test.each(moments)(
    "is refused, $moment, although the head with its cookie was sent before",
    async ({ at }) => {
      const served = await serve({
        backend,
        session: { userId: byOwner },
        routes: (app) => {
          app.post("/stream", (req, res) => {
            data(req).owner = "ada";
            res.write("head sent, ");
            res.end("body too");
          });
        },
      });
      at(backend, () => served.users.deleteUserSessions("ada"));
      const browser = served.browser();
      const response = await browser.post("/stream");
      expect(response.body).toBe("head sent, body too");
      expect(response.setCookies).toHaveLength(1);
      expect(await me(browser)).toEqual({});
      await expectNothingOf("ada", served);
    },
  );

  test.each(moments)(
    "is refused, $moment, also if the deletion excepts the login by its old id",
    async ({ at }) => {
      const served = await serve({ backend });
      const browser = await signIn(served);
      const except = sidOf(browser);
      at(backend, () => served.users.deleteUserSessions("ada", { except }));
      expect((await browser.post("/login", { json: { user: "ada" } })).status).toBe(401);
      await expectNothingOf("ada", served);
    },
  );

  test("lives if it happens before the call or after it", async () => {
    const served = await serve({ backend });
    beforeNext(backend.sessionIndex, "enter", () => served.users.deleteUserSessions("ada"));
    const browser = await signIn(served);
    expect(await me(browser)).toMatchObject({ login: { userId: "ada" } });
    expect(await indexed(backend, "ada")).toEqual([sidOf(browser)]);
  });

  test("among many, is in the index or gone if it was accepted, and is gone if it was refused", async () => {
    const served = await serve({ backend });
    const browsers = Array.from({ length: 30 }, () => served.browser());
    const logins = browsers.map(async (browser, n) => {
      if (n % 10 === 5) await served.users.deleteUserSessions("ada");
      return (await browser.post("/login", { json: { user: "ada" } })).status;
    });
    const statuses = await Promise.all(logins);
    const listed = new Set(await indexed(backend, "ada"));
    for (const [n, browser] of browsers.entries()) {
      expect([200, 401]).toContain(statuses[n]);
      const { login } = await me(browser);
      expect(login !== undefined).toBe(listed.has(sidOf(browser)));
      if (statuses[n] === 401) expect(login).toBeUndefined();
    }
    await served.users.deleteUserSessions("ada");
    for (const browser of browsers) expect(await me(browser)).toEqual({});
    await expectNothingOf("ada", served);
  });
});
