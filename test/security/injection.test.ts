import { redisBackend } from "../../lib/redis.ts";
import { halves, oddStrings } from "../../lib/testing/tools/odd-strings.ts";
import { connect, places, type Served, serve, until } from "../realtime/support.ts";
import { uniquePrefix } from "../support/redis-client.ts";
import {
  closedAfterThisTest,
  me,
  redisPlace,
  serve as serveUsers,
  sharedRedis,
  sidOf,
  signIn,
} from "../users/support.ts";

/** The odd strings, and strings with a meaning in this package's keys, scripts, channels and patterns. */
const own = [
  "sess:a",
  "nodes",
  "nodes:connected",
  "node:a:connections",
  "group:a:members",
  "bus:user:a",
  "@1:user:a",
  "a'); redis.call('FLUSHALL'); --",
  "]]..redis.call('FLUSHALL')..[[",
  "a\r\n*1\r\n$8\r\nFLUSHALL\r\n",
  "{user:a}:sessions",
];
const names = [...new Set([...oddStrings, ...own])];

describe.each(places)("on $place", ({ open }) => {
  test("user ids with any characters are separate users: in their sessions, endings and messages", async () => {
    const served: Served = await serve({ backend: await open(), webSocket: { maxConnections: 1_000 } });
    const lines = new Map<string, Awaited<ReturnType<typeof connect>>>();
    for (const name of names) lines.set(name, await connect(served, name));
    for (const name of names) await served.chat.user(name).send("news", { name });
    for (const name of names) await served.chat.user(name).send("last", {});
    for (const [name, { ws }] of lines)
      expect((await until(ws, "last")).map(({ data }) => (data as { name: string }).name)).toEqual([name]);
    for (const [at, name] of names.entries()) {
      expect(await served.users.listUserSessions(name)).toHaveLength(1);
      if (at % 2 === 0)
        expect(await served.users.deleteUserSessions(name)).toMatchObject({ sessionsDeleted: 1 });
    }
    for (const [at, name] of names.entries())
      expect(await served.users.listUserSessions(name)).toHaveLength(at % 2);
  });

  test("session ids with any characters are separate sessions", async () => {
    const backend = await open();
    const genid = ({ headers }: { headers: object }) =>
      decodeURIComponent(String((headers as Record<string, unknown>)["x-id"] ?? "none"));
    const served = await serveUsers({ backend, session: { genid } });
    const browsers = await Promise.all(
      names.map(async (name) => {
        const browser = served.browser();
        await browser.post("/set", { json: { name }, headers: { "x-id": encodeURIComponent(name) } });
        return browser;
      }),
    );
    for (const [at, browser] of browsers.entries()) {
      expect(sidOf(browser)).toBe(names[at]);
      expect(await me(browser)).toEqual({ name: names[at] });
    }
    for (const name of names.filter((_, at) => at % 2 === 0))
      await backend.sessions.remove(name, "session_ended");
    for (const [at, browser] of browsers.entries())
      expect(await me(browser)).toEqual(at % 2 === 0 ? {} : { name: names[at] });
    expect(served.errors).toEqual([]);
  });

  // Once, all of them were the same key in Redis.
  test("a lone surrogate is refused in ids of sessions and users and in names of groups", async () => {
    for (const half of halves.filter((each) => each !== "\ufffd")) {
      const served = await serveUsers({ backend: await open(), session: { genid: () => half } });
      const answer = await served.browser().post("/set", { json: { name: "Ada" } });
      expect([answer.status, answer.body]).toEqual([500, expect.stringContaining('option \\"genid\\"')]);
      await expect(served.users.listUserSessions(half)).rejects.toThrow(TypeError);
      await expect(served.users.deleteUserSessions(half)).rejects.toThrow(TypeError);
      expect(await served.users.deleteUserSession("ada", half)).toBe(false);
    }
    const { chat } = await serve({ backend: await open() });
    for (const half of halves.filter((each) => each !== "\ufffd")) {
      await expect(chat.join("ada", half)).rejects.toThrow(TypeError);
      await expect(chat.join(half, "a")).rejects.toThrow(TypeError);
      expect(() => chat.group(half)).toThrow(TypeError);
    }
  });
});

test("in Redis only the keys that docs/api.md names are written, whatever the ids and names are", async () => {
  const place = await redisPlace();
  const served = await serve({ backend: place.backend, webSocket: { maxConnections: 1_000 } });
  await place.client.set(`${place.prefix}mine`, "the app's own");
  for (const name of names) await connect(served, name);
  await Promise.all(names.map((name) => served.chat.join(name, name)));
  const expected = names.flatMap((name) => [
    `session-stack:user:${name}:sessions`,
    `session-stack:user:${name}:connections`,
    `session-stack:user:${name}:groups`,
    `session-stack:group:${name}:members`,
  ]);
  const keys = (await place.keys()).filter((key) => !/^(sess|session-stack:replaced):[\w-]{32}$/.test(key));
  const ofNodes = /^session-stack:(nodes:connected|node:[\w-]{36}:connections)$/;
  expect(keys.filter((key) => !ofNodes.test(key)).sort()).toEqual([...expected, "mine"].sort());
  for (const name of names) expect(await served.chat.members(name)).toEqual([name]);
  expect(await place.client.get(`${place.prefix}mine`)).toBe("the app's own");
});

test.each(["a:", "{a}:", "{a}{b}", "a\n", "a b:", "'", "é:", "sess:", "%41"])(
  "the prefix %p separates an app: another app that ends all of its sessions ends none of these",
  async (mark) => {
    const client = await sharedRedis();
    const base = uniquePrefix("injection");
    const [one, other] = await Promise.all(
      [`${base}${mark}`, base].map(async (prefix) => {
        const backend = closedAfterThisTest(redisBackend({ client, prefix: `${prefix}app:` }));
        return { backend, ...(await serveUsers({ backend })) };
      }),
    );
    if (!one || !other) throw new Error("Two apps are served.");
    const [ada, eve] = [await signIn(one, "ada"), await signIn(other, "ada")];
    await other.users.deleteUserSessions("ada");
    await signIn(other, "bob");
    await other.backend.sessions.expressStore.clear?.();
    expect(await other.users.listUserSessions("bob")).toEqual([]);
    expect(await me(eve)).toEqual({});
    expect(await me(ada)).toMatchObject({ login: { userId: "ada" } });
  },
);

test.each(["*", "a*", "?", "[a]", "a\\"])("a prefix with the pattern %p is a TypeError", async (prefix) => {
  const client = await sharedRedis();
  expect(() => redisBackend({ client, prefix })).toThrow(/option "prefix"/);
});
