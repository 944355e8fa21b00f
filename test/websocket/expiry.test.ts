import { setTimeout as delay } from "node:timers/promises";
import { closed } from "../support/browser.ts";
import { quickestOf } from "../support/quickest-of.ts";
import { inAllPlaces, memoryPlace, redisPlace } from "./places.ts";
import { ask, overHttp, type Served, serve, sidOf, signIn, stored } from "./support.ts";

const ended = { code: 4501, reason: "session_ended" };
test("all connections of a session close within a second of its expiry", () =>
  inAllPlaces(async (place) => {
    const lateMs = await quickestOf(1000, async () => {
      const served = await serve({ place, session: { cookie: { maxAge: 2000 } } });
      const browser = await signIn(served);
      const tabs = await Promise.all([browser.webSocket("/ws"), browser.webSocket("/ws")]);
      const expiresAt = Number(served.opened[0]?.req.session.cookie.expires);
      for (const ws of tabs) expect(await closed(ws, 15_000)).toEqual(ended);
      const late = Date.now() - expiresAt;
      expect(late).toBeGreaterThanOrEqual(0);
      expect(await overHttp(browser)).toEqual({});
      return late;
    });
    expect(lateMs).toBeLessThan(1000);
  }));

test.each([
  ["memory", memoryPlace],
  ["Redis", redisPlace],
])(
  "connections of a session whose cookie has no age close when the store's ttl is over, on %s",
  async (_, open) => {
    // Some stores count in whole seconds.
    const lateMs = await quickestOf(2000, async () => {
      const served = await serve({ place: await open({ ttl: 2 }) });
      const signedInAt = Date.now();
      const browser = await signIn(served);
      expect(await closed(await browser.webSocket("/ws"), 15_000)).toEqual(ended);
      const late = Date.now() - signedInAt - 2000;
      expect(late).toBeGreaterThanOrEqual(0);
      return late;
    });
    expect(lateMs).toBeLessThan(2000);
  },
);

test("a session that HTTP requests keep alive keeps its connection open, and can be saved there", () =>
  inAllPlaces(async (place) => {
    const maxAge = 4_000;
    const served = await serve({ place, session: { cookie: { maxAge } } });
    const browser = await signIn(served);
    const ws = await browser.webSocket("/ws");
    const { req } = served.opened[0] as Served["opened"][0];
    const loadedExpiry = Number(req.session.cookie.expires);
    while (Date.now() < loadedExpiry + 500) {
      await browser.get("/session");
      await delay(50);
    }
    expect(ws.readyState).toBe(ws.OPEN);
    expect(Number(req.session.cookie.expires)).toBe(loadedExpiry);

    // Once, a save used the expiry that it had loaded, and so destroyed the session as expired.
    const savedAt = Date.now();
    await ask(ws, "set", { visits: 1 });
    expect(await ask(ws, "save")).toEqual({ name: "Ada", visits: 1 });
    const kept = await stored(place.store, sidOf(browser));
    expect(kept).toMatchObject({ name: "Ada", visits: 1 });
    expect(Number(new Date(kept?.cookie.expires ?? 0))).toBeGreaterThanOrEqual(savedAt + maxAge);

    expect(await closed(ws, 15_000)).toEqual(ended);
    expect(Date.now()).toBeGreaterThanOrEqual(savedAt + maxAge);
  }));
