import { setTimeout as delay } from "node:timers/promises";
import type { SessionData } from "express-session";
import { RedisSessionStore } from "../../lib/sessions/redis-session-store.ts";
import type { SessionStore } from "../../lib/sessions/session-store.ts";
import { RedisSessionIndex } from "../../lib/users/session-index/redis-session-index.ts";
import { UserIndexedStore } from "../../lib/users/session-index/user-indexed-store.ts";
import { connectRedis, type RedisClient, uniquePrefix } from "../support/redis-client.ts";

const lifeSeconds = 1;
/** How long the session's own command is on its way, after that of its entry. */
const slowMs = 400;
/** Well within the time by which the index outlives its entries. */
const tooSlowMs = 1_500;

/** An entry may outlive its session, not the other way round: who is not found is not logged out. */
describe("An entry in Redis lives as long as its session", () => {
  let client: RedisClient;
  let prefix: string;
  let index: RedisSessionIndex;
  let store: UserIndexedStore;
  let isSlow: boolean;

  beforeAll(async () => {
    client = await connectRedis();
  });

  afterAll(() => client.destroy());

  it.each(["written first", "refreshed", "written again"])(
    "that is %s over a slow line",
    async (how) => {
      for (let round = 1; ; round++) {
        begin();
        const begunAt = performance.now();
        const lives = await storeSlowly(how);
        // A machine that stood still has made the line slower than it was to be.
        if (lives && performance.now() - begunAt < tooSlowMs) break;
        expect(round).toBeLessThan(10);
      }
      await expectFoundWhileItLives();
    },
    60_000,
  );

  function begin(): void {
    prefix = uniquePrefix("life");
    isSlow = false;
    index = new RedisSessionIndex(client, prefix);
    const sessions = new RedisSessionStore({ client, prefix: `${prefix}sess:`, ttl: lifeSeconds });
    store = new UserIndexedStore(slow(sessions), index, () => "u");
  }

  /** Whether the session has lived until its last command arrived. */
  async function storeSlowly(how: string): Promise<boolean> {
    isSlow = how === "written first";
    const first = await store.write("a", snapshot(1), undefined);
    if (first.outcome !== "written") throw new Error(first.outcome);
    isSlow = true;
    if (how === "refreshed") return store.refresh("a", snapshot(1).data);
    if (how === "written first") return true;
    const base = { version: first.version, json: first.version, userId: "u" };
    return (await store.write("a", snapshot(2), base)).outcome === "written";
  }

  async function expectFoundWhileItLives(): Promise<void> {
    let lives = true;
    while (lives) {
      const found = await index.entries("u");
      lives = (await client.exists(`${prefix}sess:a`)) === 1;
      if (lives) expect(found).toHaveLength(1);
    }
  }

  function slow(sessions: RedisSessionStore): SessionStore {
    const [write, refresh] = [sessions.write.bind(sessions), sessions.refresh.bind(sessions)];
    const pause = () => (isSlow ? delay(slowMs) : undefined);
    return Object.assign(sessions, {
      write: async (...call: Parameters<typeof write>) => {
        await pause();
        return write(...call);
      },
      refresh: async (...call: Parameters<typeof refresh>) => {
        await pause();
        return refresh(...call);
      },
    });
  }
});

function snapshot(n: number): Parameters<SessionStore["write"]>[1] {
  const data = { cookie: { originalMaxAge: null }, n } as unknown as SessionData;
  return { data, json: JSON.stringify(data) };
}
