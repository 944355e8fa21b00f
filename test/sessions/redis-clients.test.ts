import type { SessionData, Store } from "express-session";
import type { RedisClient } from "../../lib/redis-client/redis-client.ts";
import { RedisSessionStore } from "../../lib/sessions/redis-session-store.ts";
import { contentsOf, insert, readStored, snapshot } from "../../lib/testing/session-store-suite/sessions.ts";
import { oddTypes } from "../support/odd-types.ts";
import { connectRedis, uniquePrefix } from "../support/redis-client.ts";
import { type RedisCluster, startRedisCluster } from "../support/redis-cluster.ts";
import { type RedisSentinel, startRedisSentinel } from "../support/redis-sentinel.ts";

/*
 * connect-redis's own methods, `all`, `ids`, `length` and `clear`, once failed over a client that maps types, and found
 * nothing with a `keyPrefix`: so `verifyUserSessions` took the sessions for gone.
 */

/** The app's client, a plain one that reads what is stored, and what stands before its keys there. */
interface Kind {
  client: RedisClient & { destroy(): unknown };
  plain: { get(key: string): Promise<string | null>; destroy(): unknown };
  before?: string;
}

let sentinel: RedisSentinel;
let cluster: RedisCluster;

beforeAll(async () => {
  [sentinel, cluster] = await Promise.all([startRedisSentinel(), startRedisCluster()]);
}, 60_000);

afterAll(async () => {
  await Promise.all([sentinel?.stop(), cluster?.stop()]);
});

const odd = { commandOptions: { typeMapping: oddTypes } };
/** node-redis takes them, though its types do not name them. */
const nodeClientOptions: object = odd;

const kinds: [string, () => Promise<Kind>][] = [
  ["a client that maps types", () => single(odd)],
  ["a client with a keyPrefix", () => single({ keyPrefix: "app:" }, "app:")],
  ["a client with a keyPrefix like a pattern", () => single({ keyPrefix: "a*?[b]\\:" }, "a*?[b]\\:")],
  ["a client with both", () => single({ ...odd, keyPrefix: "app:" }, "app:")],
  ["a sentinel that maps types", () => behindSentinel(odd)],
  ["a sentinel whose connections map types", () => behindSentinel({ nodeClientOptions })],
  ["a sentinel with a keyPrefix", () => behindSentinel({ keyPrefix: "app:" }, "app:")],
  ["a cluster that maps types", () => onCluster(odd)],
  ["a cluster whose connections map types", () => onCluster({ defaults: nodeClientOptions })],
  ["a cluster with a keyPrefix", () => onCluster({ ...odd, keyPrefix: "app:" }, "app:")],
];

async function single(options: Parameters<typeof connectRedis>[1], before = ""): Promise<Kind> {
  return { client: await connectRedis(undefined, options), plain: await connectRedis(), before };
}

async function behindSentinel(options: Parameters<RedisSentinel["connect"]>[0], before = ""): Promise<Kind> {
  const plain = await connectRedis(sentinel.master.url);
  return { client: await sentinel.connect(options), plain, before };
}

async function onCluster(options: Parameters<RedisCluster["connect"]>[0], before = ""): Promise<Kind> {
  const plain = (await cluster.connect()) as unknown as Kind["plain"];
  return { client: await cluster.connect(options), plain, before };
}

describe.each(kinds)("RedisSessionStore over %s", (_, open) => {
  let kind: Kind;
  let prefix: string;
  let store: RedisSessionStore;

  beforeEach(async () => {
    kind = await open();
    prefix = uniquePrefix("clients");
    store = new RedisSessionStore({ client: kind.client, prefix });
  });

  afterEach(() => {
    for (const each of [kind.client, kind.plain]) each.destroy();
  });

  it("writes values that a plain client reads", async () => {
    const base = await insert(store, "a", { name: "Ada" });
    expect(await kind.plain.get(`${kind.before}${prefix}a`)).toBe(base.json);
    expect(contentsOf(await readStored(store, "a"))).toEqual({ name: "Ada" });
    const next = snapshot({ name: "Bea" });
    expect((await store.write("a", next, base)).outcome).toBe("written");
    expect(await store.write("a", next, base)).toMatchObject({
      outcome: "changed",
      current: { json: next.json },
    });
    expect(await store.refresh("a", next.data)).toBe(true);
    expect(await store.expiries(["a", "b"])).toEqual([expect.any(Number), undefined]);
    await store.remove("a", "session_ended");
    expect(await store.read("a")).toBeUndefined();
  });

  it("has connect-redis's own methods", async () => {
    // Nobody else's, though they begin with the same.
    const other = new RedisSessionStore({ client: kind.client, prefix: `other:${prefix}` });
    await insert(other, "theirs", {});
    const express: Store = store;
    const cookie = { originalMaxAge: null } as SessionData["cookie"];
    for (const sid of ["a", "b"]) await store.set(sid, { cookie, sid } as unknown as SessionData);
    await store.touch("a", { cookie } as SessionData);
    expect(await store.get("a")).toEqual({ cookie, sid: "a" });
    expect(await store.length()).toBe(2);
    expect((await store.ids()).sort()).toEqual(["a", "b"]);
    const all = (await store.all()) as { id: string; sid: string }[];
    expect(all.map(({ id, sid }) => [id, sid]).sort()).toEqual([
      ["a", "a"],
      ["b", "b"],
    ]);
    const walked: string[] = [];
    for await (const [sid] of store.walk()) walked.push(sid);
    expect(walked.sort()).toEqual(["a", "b"]);
    await new Promise((resolve) => express.clear?.(resolve));
    expect(await store.length()).toBe(0);
    expect(await other.length()).toBe(1);
  });

  it("leaves the app's own commands as they were", async () => {
    const key = `${prefix}a`;
    await kind.client.sAdd(key, "member");
    const before = await kind.client.sMembers(key);
    await insert(store, "b", {});
    await store.ids();
    expect(await kind.client.sMembers(key)).toEqual(before);
    await kind.client.expire(key, 1);
  });
});
