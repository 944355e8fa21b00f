import type { Request } from "express";
import { type Backend, webSocketSessions } from "../../lib/index.ts";
import { shorten } from "../../lib/testing/session-index-suite/index-state.ts";
import { eventually } from "../support/eventually.ts";
import { beforeNext, gate, indexed, places, type Served, serve, sidOf, signIn } from "./support.ts";

describe.each(places)("listUserSessions on $place", ({ open }) => {
  let backend: Backend;
  let served: Served;

  beforeEach(async () => {
    backend = await open();
    served = await serve({
      backend,
      session: { cookie: { maxAge: 3_600_000 } },
      routes: (app, { listUserSessions }) => {
        app.get("/devices", async (req: Request, res) => {
          res.json(await listUserSessions(req.session.login?.userId as string, req));
        });
      },
    });
  });

  test("returns the data for a page of the user's devices", async () => {
    const before = Date.now();
    const browser = await signIn(served, "ada", { "user-agent": "a browser" });
    const found = await served.users.listUserSessions("ada");
    const now = Date.now();
    expect(found).toEqual([
      {
        sid: sidOf(browser),
        createdAt: expect.any(Number),
        lastSeenAt: expect.any(Number),
        expiresAt: expect.any(Number),
        ip: "127.0.0.1",
        userAgent: "a browser",
        current: false,
        connections: 0,
      },
    ]);
    const { createdAt = 0, lastSeenAt = 0, expiresAt = 0 } = found[0] ?? {};
    expect(createdAt).toBeGreaterThanOrEqual(before);
    expect(lastSeenAt).toBeGreaterThanOrEqual(before);
    expect(lastSeenAt).toBeLessThanOrEqual(now);
    // Redis counts the lives of sessions in whole seconds, as connect-redis has it.
    expect(expiresAt - 3_600_000).toBeGreaterThanOrEqual(before);
    expect(expiresAt - 3_600_000).toBeLessThanOrEqual(now + 1_000);
  });

  test("only the session of the request that asks is current", async () => {
    const [first, second] = [await signIn(served), await signIn(served)];
    for (const browser of [first, second]) {
      const devices = (await browser.get("/devices")).json() as { sid: string; current: boolean }[];
      expect(devices.filter(({ current }) => current).map(({ sid }) => sid)).toEqual([sidOf(browser)]);
      expect(devices).toHaveLength(2);
    }
  });

  test("the latest login comes first", async () => {
    let clock = Date.now() - 10_000;
    const now = jest.spyOn(Date, "now").mockImplementation(() => (clock += 10));
    const browsers: string[] = [];
    try {
      for (let n = 0; n < 5; n++) browsers.unshift(sidOf(await signIn(served)));
    } finally {
      now.mockRestore();
    }
    expect((await served.users.listUserSessions("ada")).map(({ sid }) => sid)).toEqual(browsers);
  });

  test("each use moves last seen, and not the login time", async () => {
    const { users } = await serve({ backend, session: { cookie: { maxAge: 3_600_000 }, touchAfterMs: 0 } });
    const touching = await serve({ backend, session: { cookie: { maxAge: 3_600_000 }, touchAfterMs: 0 } });
    const browser = await signIn(touching);
    const [first] = await users.listUserSessions("ada");
    await eventually(async () => {
      await browser.get("/me");
      const [later] = await users.listUserSessions("ada");
      expect(later?.createdAt).toBe(first?.createdAt);
      expect(later?.lastSeenAt).toBeGreaterThan(first?.lastSeenAt as number);
      expect(later?.expiresAt).toBeGreaterThan(first?.expiresAt as number);
    });
  });

  test("counts the open connections of each session, on all paths", async () => {
    const other = webSocketSessions(served.stack, { path: "/other" });
    served.server.on("upgrade", other.handleUpgrade);
    const [busy, idle] = [await signIn(served), await signIn(served)];
    const open = [await busy.webSocket("/ws"), await busy.webSocket("/ws"), await busy.webSocket("/other")];
    const counts = async () =>
      Object.fromEntries(
        (await served.users.listUserSessions("ada")).map(({ sid, connections }) => [sid, connections]),
      );
    expect(await counts()).toEqual({ [sidOf(busy)]: 3, [sidOf(idle)]: 0 });
    open[0]?.terminate();
    await eventually(async () => expect(await counts()).toEqual({ [sidOf(busy)]: 2, [sidOf(idle)]: 0 }));
    for (const ws of open) ws.terminate();
    await eventually(async () => expect(await counts()).toEqual({ [sidOf(busy)]: 0, [sidOf(idle)]: 0 }));
  });

  test("of a user without sessions is an empty list", async () => {
    await signIn(served, "grace");
    expect(await served.users.listUserSessions("ada")).toEqual([]);
  });

  test("of a user without an id rejects with a TypeError", async () => {
    await expect(served.users.listUserSessions({} as never)).rejects.toThrow(TypeError);
  });

  test("keeps the entry of a login in progress, and does not list it", async () => {
    const [arrived, go] = [gate(), gate()];
    beforeNext(backend.sessions, "write", async () => {
      arrived.open();
      await go.opened;
    });
    const login = signIn(served);
    await arrived.opened;
    expect(await served.users.listUserSessions("ada")).toEqual([]);
    expect(await indexed(backend, "ada")).toHaveLength(1);
    go.open();
    expect(await served.users.listUserSessions("ada")).toMatchObject([{ sid: sidOf(await login) }]);
  });

  test("keeps an entry that seems to have expired while its session lives", async () => {
    const [early, other] = [await signIn(served), await signIn(served)];
    await shorten(backend.sessionIndex, "ada", sidOf(early), 1);
    await eventually(async () => {
      const entries = await backend.sessionIndex.entries("ada");
      expect(entries.find(({ sid }) => sid === sidOf(early))?.expiresAt).toBeLessThan(Date.now());
    });
    expect(await served.users.listUserSessions("ada")).toHaveLength(2);
    expect(await indexed(backend, "ada")).toEqual([sidOf(early), sidOf(other)].sort());
  });

  test("leaves out a session that has become another user's, whatever an entry says", async () => {
    const browser = await signIn(served, "grace");
    await backend.sessionIndex.enter("ada", sidOf(browser), 60_000);
    expect(await served.users.listUserSessions("ada")).toEqual([]);
  });
});
