import { type RealtimeOptions, SessionStackError } from "../../lib/index.ts";
import { redisBackend } from "../../lib/redis.ts";
import { ask, open, type Served, serve, signIn } from "../realtime/support.ts";
import { connectRedis, type RedisClient } from "../support/redis-client.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { afterThisTest } from "../users/support.ts";

/*
 * Once, without a prefix, the backend used `nodes`, `user:<id>:groups` and the like, which may be the app's own keys.
 * It reported Redis's WRONGTYPE as "the store failed".
 */

let server: RedisServer;
let client: RedisClient;

beforeAll(async () => {
  server = await startRedisServer();
  client = await connectRedis(server.url);
});

beforeEach(() => client.flushAll());

afterAll(async () => {
  client.destroy();
  await server.stop();
});

/** The keys that a backend once used under its prefix. */
const ONCE_TAKEN = [
  "nodes",
  "nodes:connected",
  ...["sessions", "connections", "groups", "data"].map((what) => `user:ada:${what}`),
  "group:lobby:members",
];

async function anApp(prefix?: string, options?: RealtimeOptions): Promise<Served> {
  const backend = redisBackend({ client, ...(prefix === undefined ? {} : { prefix }) });
  afterThisTest(() => backend.close());
  return serve({ backend, realtime: { graceMs: 0, ...options } });
}

/** Logs a user in, connects, joins a group, sends a message, lists the sessions, and ends them. */
async function useAll(served: Served, user: string): Promise<void> {
  const browser = await signIn(served, user);
  const { ws, line } = await open(served, browser);
  const { chat, users } = served;
  await line.store.set("key", "value");
  await chat.join(user, "lobby");
  expect(await chat.members("lobby")).toEqual([user]);
  expect(await chat.presence("lobby")).toEqual([user]);
  expect(await chat.activeSessions(user)).toHaveLength(1);
  await chat.group("lobby").send("hello", {});
  await new Promise<void>((resolve) => ws.once("message", () => resolve()));
  expect(await users.listUserSessions(user)).toMatchObject([{ connections: 1 }]);
  expect(await users.deleteUserSessions(user)).toMatchObject({ sessionsDeleted: 1, connectionsClosed: 1 });
}

test("without a prefix the backend does not touch an app's own keys, whatever they hold", async () => {
  for (const key of ONCE_TAKEN) await client.set(key, "the app's own");
  const served = await anApp();
  await useAll(served, "ada");
  for (const key of ONCE_TAKEN) expect(await client.get(key)).toBe("the app's own");
});

test("all keys and channels of the backend have its own names", async () => {
  const served = await anApp();
  const { ws, line } = await open(served, await signIn(served, "ada"));
  await line.store.set("key", "value");
  await served.chat.join("ada", "lobby");
  await ask(ws, "echo");
  const own = /^session-stack:(user|group|node|nodes|connection)\b/;
  const keys = await client.keys("*");
  expect(keys.length).toBeGreaterThan(6);
  expect(keys.filter((key) => !own.test(key) && !key.startsWith("sess:"))).toEqual([]);
  const channels = await client.pubSubChannels("*");
  expect(channels.length).toBeGreaterThan(3);
  expect(channels.filter((channel) => !channel.startsWith("session-stack:bus:"))).toEqual([]);
});

test.each([
  ["one:", "two:"],
  [undefined, "s"],
  [undefined, "app:"],
  ["session", ""],
])("apps with the prefixes %j and %j do not see each other's users", async (...prefixes) => {
  const [one, two] = [await anApp(prefixes[0]), await anApp(prefixes[1])];
  const { line } = await open(one, await signIn(one, "ada"));
  await one.chat.join("ada", "lobby");
  expect(await two.chat.groupsOf("ada")).toEqual([]);
  expect(await two.chat.presence("lobby")).toEqual([]);
  expect(await two.chat.activeSessions("ada")).toEqual([]);
  expect(await two.users.listUserSessions("ada")).toEqual([]);
  expect(await two.users.deleteUserSessions("ada")).toMatchObject({ sessionsDeleted: 0, silentNodes: [] });
  await useAll(two, "ada");
  expect([...line.groups]).toEqual(["lobby"]);
  expect(await one.users.listUserSessions("ada")).toMatchObject([{ connections: 1 }]);
  const [ids, others] = await Promise.all([one, two].map(idsOf));
  expect(ids).toHaveLength(1);
  expect(others).toEqual([]);
});

/** The sessions that a walk of an app finds. It would include those of other apps if their keys looked alike. */
async function idsOf({ users }: Served): Promise<string[]> {
  return (await users.verifyUserSessions("ada")).dangling.concat(
    (await users.listUserSessions("ada")).map(({ sid }) => sid),
  );
}

describe("a key of another program in the backend's place", () => {
  test.each<[key: string, use: (served: Served) => Promise<unknown>]>([
    ["user:ada:sessions", ({ users }) => users.listUserSessions("ada")],
    ["user:ada:connections", ({ chat }) => chat.activeSessions("ada")],
    ["user:ada:groups", ({ chat }) => chat.join("ada", "lobby")],
    ["group:lobby:members", ({ chat }) => chat.members("lobby")],
  ])("is reported with the option that helps: %s", async (key, use) => {
    const served = await anApp();
    await client.set(`session-stack:${key}`, "another's");
    const error = await use(served).catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(SessionStackError);
    expect(error).toMatchObject({
      code: "ERR_KEY_TAKEN",
      status: 503,
      message: expect.stringContaining("`prefix`"),
      cause: { message: expect.stringContaining("WRONGTYPE") },
    });
    expect(await client.get(`session-stack:${key}`)).toBe("another's");
  });

  test("is reported to the request that needs it, and by the error event of a handshake", async () => {
    const served = await anApp();
    const browser = await signIn(served, "bob");
    for (const name of ["sessions", "connections"])
      await client.set(`session-stack:user:ada:${name}`, "another's");
    const login = await browser.post("/login", { json: { user: "ada" } });
    expect([login.status, login.body]).toEqual([503, expect.stringContaining("`prefix`")]);
    await client.del("session-stack:user:ada:sessions");
    const ada = await signIn(served, "ada");
    await expect(ada.webSocket("/ws")).rejects.toMatchObject({ statusCode: 503 });
    expect(served.errors.splice(0)).toMatchObject([{ code: "ERR_KEY_TAKEN" }]);
  });
});
