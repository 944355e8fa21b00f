import { closed } from "../support/browser.ts";
import { serveMerging } from "./merging.ts";
import { byOwner, indexed, me, places, redisPlace, sidOf, signIn } from "./support.ts";

describe("a ttl function", () => {
  let answer: unknown;

  async function serveTtl(session: object = {}) {
    answer = 3_600;
    const place = await redisPlace({ ttl: () => answer as number });
    const served = await serveMerging(place.backend, { cookie: {}, touchAfterMs: 0, ...session });
    const browser = await signIn(served);
    const key = `${place.prefix}sess:${sidOf(browser)}`;
    const kept = async () => ({
      text: await place.client.get(key),
      index: await place.client.zRangeWithScores(`${place.prefix}session-stack:user:ada:sessions`, 0, -1),
      lives: (await place.client.ttl(key)) > 3_000,
    });
    return { ...place, served, browser, key, kept };
  }

  test.each<[string, unknown]>([
    ["NaN", Number.NaN],
    ["undefined", undefined],
    ["null", null],
    ["text", "60"],
    ["Infinity", Number.POSITIVE_INFINITY],
    ["-Infinity", Number.NEGATIVE_INFINITY],
    ["more than there is time", 1e300],
    ["a promise", Promise.resolve(60)],
  ])(
    "that returns %s causes an error that names it, and harms neither session nor index",
    async (_, nonsense) => {
      const { served, browser, kept } = await serveTtl();
      const before = await kept();
      expect(before).toMatchObject({ index: [{ value: sidOf(browser) }], lives: true });
      answer = nonsense;
      for (const [path, init] of [
        ["/set", { json: { n: 1 } }],
        ["/together", {}],
      ] as const) {
        const response = await browser.post(path, init);
        expect([response.status, response.json()]).toEqual([
          500,
          expect.objectContaining({ name: "TypeError", message: expect.stringContaining('option "ttl"') }),
        ]);
      }
      const other = await served.browser().post("/login", { json: { user: "ada" } });
      expect(other.status).toBe(500);
      expect(served.errors).toEqual([]);
      // A session that is only read was rightly read: that it could not be touched is told as an event.
      expect((await browser.get("/touch")).status).toBe(200);
      expect(served.errors).toMatchObject([{ name: "TypeError" }]);
      expect(await kept()).toEqual(before);
      answer = 3_600;
      expect(await me(browser)).toMatchObject({ login: { userId: "ada" } });
      expect((await served.users.deleteUserSessions("ada")).sessionsDeleted).toBe(1);
    },
  );

  test("that returns nonsense for a session without a user is no store failure either", async () => {
    const { served } = await serveTtl({ userId: byOwner });
    answer = Number.NaN;
    const response = await served.browser().post("/set", { json: { n: 1 } });
    expect(response.json()).toMatchObject({ name: "TypeError", message: expect.stringContaining('"ttl"') });
  });

  test("that returns a fraction is rounded up", async () => {
    const { browser, client, key, backend } = await serveTtl();
    answer = 99.5;
    expect((await browser.post("/set", { json: { n: 1 } })).status).toBe(200);
    expect(await client.ttl(key)).toBe(100);
    answer = 49.5;
    expect((await browser.get("/touch")).status).toBe(200);
    expect(await client.ttl(key)).toBe(50);
    expect(await indexed(backend, "ada")).toEqual([sidOf(browser)]);
  });

  test.each([0, -1, -0.5])("that returns %d ends the session, at a save and at a touch", async (seconds) => {
    for (const end of ["/set", "/touch"]) {
      const { served, browser, backend, client, key } = await serveTtl();
      const ws = await browser.webSocket("/ws");
      answer = seconds;
      if (end === "/set") await browser.post("/set", { json: { n: 1 } });
      else await browser.get("/touch");
      expect((await closed(ws)).code).toBe(4501);
      expect(await client.exists(key)).toBe(0);
      expect(await indexed(backend, "ada")).toEqual([]);
      expect(served.errors).toEqual([]);
    }
  });

  test.each<[string, unknown, object]>([
    ["a ttl of NaN", Number.NaN, { cookie: { originalMaxAge: null, expires: null } }],
    ["a ttl of undefined", undefined, { cookie: { originalMaxAge: null, expires: null } }],
  ])("asked by req.sessionStore, with %s, is the callback's error", async (_, nonsense, session) => {
    const { backend, kept, browser } = await serveTtl();
    const before = await kept();
    answer = nonsense;
    const { expressStore } = backend.sessions;
    for (const call of ["set", "touch"] as const) {
      const error = await new Promise<unknown>((resolve) => {
        (expressStore[call] as (...args: unknown[]) => void).call(
          expressStore,
          sidOf(browser),
          session,
          resolve,
        );
      });
      expect(error).toMatchObject({ name: "TypeError" });
    }
    expect(await kept()).toEqual(before);
  });

  test("shorter than touchAfterMs keeps a session alive that is in use", async () => {
    // Once, only the cookie's age counted, and a session without an age ended while it was in use.
    const place = await redisPlace({ ttl: 30 });
    const served = await serveMerging(place.backend, { cookie: {}, touchAfterMs: 60_000 });
    const browser = await signIn(served);
    const key = `${place.prefix}sess:${sidOf(browser)}`;
    const { now } = Date;
    const ahead = jest.spyOn(Date, "now").mockImplementation(() => now() + 20_000);
    try {
      await place.client.expire(key, 10);
      await browser.get("/touch");
      expect(await place.client.ttl(key)).toBeGreaterThan(20);
    } finally {
      ahead.mockRestore();
    }
  });
});

describe.each(places)("the index on $place", ({ open }) => {
  test.each([Number.NaN, undefined, "60"])("refuses a life of %p, and keeps its entry", async (lifeMs) => {
    const { sessionIndex } = await open();
    await sessionIndex.enter("ada", "a", 60_000);
    const before = await sessionIndex.entries("ada");
    await expect(sessionIndex.enter("ada", "b", lifeMs as number)).rejects.toThrow(TypeError);
    await expect(sessionIndex.extend("ada", "a", lifeMs as number)).rejects.toThrow(TypeError);
    expect(await sessionIndex.entries("ada")).toEqual(before);
  });
});
