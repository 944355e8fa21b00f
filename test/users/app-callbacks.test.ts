import { Cookie, type SessionData } from "express-session";
import type { Backend } from "../../lib/index.ts";
import type { RedisBackendOptions } from "../../lib/redis.ts";
import { closed } from "../support/browser.ts";
import { hour, merge, serveMerging } from "./merging.ts";
import { indexed, me, places, redisPlace, sidOf, signIn } from "./support.ts";

/** The sessions that functions of the app received, and the faults in them. */
function inspector() {
  const wrong: unknown[] = [];
  let calls = 0;
  return {
    wrong,
    calls: () => calls,
    /** Looks at a session as an app's function may. */
    look(session: SessionData): void {
      calls++;
      const { cookie } = session;
      if (!(cookie instanceof Cookie)) wrong.push(["no Cookie", cookie]);
      else if (cookie.expires !== null && !(cookie.expires instanceof Date)) wrong.push(["no Date", cookie]);
      else if (cookie.expires && !Number.isFinite(cookie.maxAge)) wrong.push(["no age", cookie]);
    },
  };
}

/** Places with what each of them calls beside `userId`. */
const withCallbacks: { place: string; open: (look: (session: SessionData) => void) => Promise<Backend> }[] = [
  ...places.map(({ place, open }) => ({ place, open: () => open() })),
  {
    place: "Redis with a ttl function and a serializer",
    open: async (look) => {
      const options: Partial<RedisBackendOptions> = {
        ttl: (session) => {
          look(session);
          // As in connect-redis's documentation, and as apps have it.
          return Math.ceil(
            (session.cookie.maxAge as number) / 1000 + 0 * (session.cookie.expires as Date).getTime(),
          );
        },
        serializer: {
          parse: (text) => JSON.parse(text),
          stringify: (session) => {
            look(session);
            return JSON.stringify(session);
          },
        },
      };
      return (await redisPlace(options)).backend;
    },
  },
];

describe.each(withCallbacks)("functions of the app on $place", ({ open }) => {
  // Once, the cookie was plain JSON after two saves merged: one request failed, and the user's entry was lost.
  test("receive a Cookie wherever a session comes from, also when saves merge", async () => {
    const { wrong, calls, look } = inspector();
    const backend = await open(look);
    const userId = (session: SessionData) => {
      look(session);
      return session.login?.userId;
    };
    const served = await serveMerging(backend, { userId, touchAfterMs: 0 });
    const browser = await signIn(served);
    await merge(browser);
    await browser.get("/touch");
    expect(await indexed(backend, "ada")).toEqual([sidOf(browser)]);
    expect(await served.users.verifyUserSessions("ada")).toEqual({ orphans: [], dangling: [] });
    const ws = await browser.webSocket("/ws");
    const [listed] = await served.users.listUserSessions("ada");
    expect(Math.abs((listed?.expiresAt ?? 0) - Date.now() - hour)).toBeLessThan(10_000);
    expect(Math.abs((listed?.lastSeenAt ?? 0) - Date.now())).toBeLessThan(10_000);
    const held = served.opened[0]?.req.session;
    Object.assign(held as object, { onConnection: true });
    await merge(browser);
    await held?.save();
    expect(await me(browser)).toMatchObject({ onConnection: true });
    expect((await served.users.deleteUserSessions("ada")).sessionsDeleted).toBe(1);
    expect((await closed(ws)).code).toBe(4501);
    expect(await me(browser)).toEqual({});
    // Its end tells the index, too, with what it held.
    const other = await signIn(served, "grace");
    await other.post("/logout");
    expect(await indexed(backend, "grace")).toEqual([]);
    expect(wrong).toEqual([]);
    expect(calls()).toBeGreaterThan(20);
    expect(served.errors).toEqual([]);
  });
});
