import { randomBytes } from "node:crypto";
import type { SessionMiddlewareOptions } from "../../lib/index.ts";
import { redisBackend } from "../../lib/redis.ts";
import { ask, data, next, open, send, serve, signIn } from "../realtime/support.ts";
import type { Browser } from "../support/browser.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { aroundCalls, type RedisClient, uniquePrefix } from "../support/redis-client.ts";
import { closedAfterThisTest, sharedRedis } from "../users/support.ts";

/** Methods of a client that are no commands, and commands that a node sends by itself at any time. */
const NOT_OF_CLIENTS = ["on", "off", "duplicate", "connect", "pTTL"];

/** An app with realtime, and its Redis commands since the last call. A script counts as one. */
async function counted(session: SessionMiddlewareOptions = {}) {
  const sent: string[] = [];
  const client = aroundCalls(await sharedRedis(), (name, _args, run) => {
    if (!NOT_OF_CLIENTS.includes(name)) sent.push(name);
    return run();
  }) as RedisClient;
  const backend = closedAfterThisTest(redisBackend({ client, prefix: uniquePrefix("costs") }));
  const clock = new FakeClock();
  const served = await serve({
    backend,
    session,
    realtime: { clock, pingIntervalMs: 0 },
    setUp: (chat) =>
      chat
        .on("save", async ({ req }) => {
          data(req).n = Math.random();
          await req.session.save();
        })
        .on("set", ({ store }) => store.set("n", { at: Math.random() }))
        .on("join", (connection, { group }) => connection.join(String(group)))
        .on("leave", (connection, { group }) => connection.leave(String(group)))
        .on("send", (_, { group }) => chat.group(String(group)).send("news", {})),
    routes: (app) => {
      app.get("/read", (req, res) => void res.json(data(req).n ?? null));
      app.get("/change", (req, res) => {
        data(req).n = Math.random();
        res.end();
      });
    },
  });
  await backend.node.join();
  /** The commands of a repeated step. At the first time an unknown script would be sent twice. */
  const cost = async (step: () => unknown): Promise<string[]> => {
    await step();
    await clock.advance(1_000);
    sent.length = 0;
    await step();
    // Commands keep their order on the line, so all commands of the step were sent by then.
    await client.ping();
    return sent.splice(0).filter((name) => name !== "ping");
  };
  return { served, clock, cost };
}

describe("the maximum number of Redis commands for one client", () => {
  let browser: Browser;
  let served: Awaited<ReturnType<typeof counted>>["served"];
  let cost: Awaited<ReturnType<typeof counted>>["cost"];
  let clock: FakeClock;

  beforeEach(async () => {
    ({ served, cost, clock } = await counted());
    browser = await signIn(served);
  });

  test("a request without a cookie or with an invalid signature: none", async () => {
    const forged = served.browser();
    forged.cookies.set("connect.sid", "s%3Aguess.guess");
    expect(await cost(() => served.browser().get("/read"))).toEqual([]);
    expect(await cost(() => forged.get("/read"))).toEqual([]);
  });

  test("a request or a handshake whose session is gone: two", async () => {
    await browser.post("/logout");
    const cookie = browser.cookies.get("connect.sid");
    expect(cookie).toBeUndefined();
    const other = await signIn(served);
    const late = other.cookies.get("connect.sid") as string;
    await other.post("/logout");
    const again = served.browser();
    again.cookies.set("connect.sid", late);
    expect(await cost(() => again.get("/read"))).toEqual(["get", "exists"]);
    const connect = async () => (await again.webSocket("/ws")).terminate();
    expect(await cost(connect)).toEqual(["get", "exists"]);
  });

  test("a request that only reads: one, and two more once in touchAfterMs", async () => {
    expect(await cost(() => browser.get("/read"))).toEqual(["get"]);
    ({ served, cost } = await counted({ touchAfterMs: 0 }));
    browser = await signIn(served);
    expect(await cost(() => browser.get("/read"))).toEqual(["get", "evalSha", "evalSha"]);
  });

  test("a request with invented guest cookies: none, and one message to the nodes if it has a user", async () => {
    const inventing = async (visitor: Browser) => {
      for (let n = 0; n < 50; n++)
        visitor.cookies.set(`connect.sid.guest.${randomBytes(16).toString("base64url")}`, "1");
      return visitor.get("/read");
    };
    expect(await cost(() => inventing(served.browser()))).toEqual([]);
    expect(await cost(() => inventing(browser))).toEqual(["get", "publish"]);
  });

  test("a request that changes the session: one read, and one write with the user's entry", async () => {
    expect(await cost(() => browser.get("/change"))).toEqual(["get", "evalSha", "evalSha"]);
  });

  test("a login and a logout: a bounded number", async () => {
    expect((await cost(() => signIn(served))).length).toBeLessThanOrEqual(6);
    const again = () => browser.post("/login", { json: { user: "ada" } });
    expect((await cost(again)).length).toBeLessThanOrEqual(14);
    const inAndOut = async () => (await signIn(served)).post("/logout");
    expect((await cost(inAndOut)).length).toBeLessThanOrEqual(11);
  });

  test("a message without a handler or whose handler does not save: none", async () => {
    const { ws } = await open(served, browser);
    expect(await cost(() => ask(ws, "echo"))).toEqual([]);
    expect(await cost(() => ask(ws, "unknown"))).toEqual([]);
    const beat = async () => {
      send(ws, "session.heartbeat");
      expect(await next(ws)).toEqual({ status: "success" });
    };
    expect(await cost(beat)).toEqual([]);
  });

  test("a message whose handler saves the session: two; or sets data of the connection: one", async () => {
    const { ws } = await open(served, browser);
    expect(await cost(() => ask(ws, "save"))).toEqual(["evalSha", "evalSha"]);
    expect(await cost(() => ask(ws, "set"))).toEqual(["evalSha"]);
  });

  test("a join and a leave: at most seven, however many groups the user is in; a send: one", async () => {
    const { ws } = await open(served, browser);
    let group = 0;
    const join = () => ask(ws, "join", { group: `g${group++}` });
    expect((await cost(join)).length).toBeLessThanOrEqual(7);
    for (let more = 0; more < 20; more++) await join();
    expect((await cost(join)).length).toBeLessThanOrEqual(7);
    const leave = () => ask(ws, "leave", { group: `g${--group}` });
    expect((await cost(leave)).length).toBeLessThanOrEqual(6);
    expect(await cost(() => ask(ws, "send", { group: "of others" }))).toEqual(["publish"]);
  });

  test("a second with or without activity: none; a quarter of the threshold: one write for all connections", async () => {
    const lines = [await open(served, browser), await open(served, browser)];
    // One tick after the other: a node that stood still for some seconds catches up.
    const pass = async (seconds: number) => {
      for (let second = 0; second < seconds; second++) await clock.advance(1_000);
    };
    // The node reads the live nodes once a second, however many connections it has.
    const ofNode = ["sMembers", "evalSha"];
    const silent = await cost(() => pass(5));
    expect(silent.filter((name) => !ofNode.includes(name))).toEqual([]);
    expect(silent.length).toBeLessThanOrEqual(5 * ofNode.length);
    const quarter = async () => {
      for (const { ws } of lines) await ask(ws, "echo");
      await pass(15);
    };
    expect((await cost(quarter)).length).toBeLessThanOrEqual(15 * ofNode.length + 2);
  });
});
