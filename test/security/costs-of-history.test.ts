import { redisBackend } from "../../lib/redis.ts";
import { askHistory, type Client, clientOf } from "../realtime/recovery/support.ts";
import { next, type Served, send, serve } from "../realtime/support.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { aroundCalls, type RedisClient, uniquePrefix } from "../support/redis-client.ts";
import { closedAfterThisTest, sharedRedis } from "../users/support.ts";

/** Methods of a client that are no commands, and commands that a node sends by itself at any time. */
const NOT_OF_CLIENTS = ["on", "off", "duplicate", "connect", "pTTL"];

describe("the maximum number of Redis commands for one client, with a history", () => {
  let served: Served;
  let ada: Client;
  /** The number of commands of a repeated step. At the first time an unknown script would be sent twice. */
  let cost: (step: () => Promise<unknown>) => Promise<number>;

  beforeEach(async () => {
    let sent = 0;
    const client = aroundCalls(await sharedRedis(), (name, _args, run) => {
      if (!NOT_OF_CLIENTS.includes(name)) sent++;
      return run();
    }) as RedisClient;
    const backend = closedAfterThisTest(redisBackend({ client, prefix: uniquePrefix("costs") }));
    served = await serve({
      backend,
      realtime: { clock: new FakeClock(), pingIntervalMs: 0, history: {} },
      setUp: (chat) =>
        chat
          .on("join", (connection, { group }) => connection.join(String(group)))
          .on("send", (_, { group }) => chat.group(String(group)).send("news", {})),
    });
    await backend.node.join();
    ada = await clientOf(served, "ada");
    cost = async (step) => {
      await step();
      sent = 0;
      await step();
      return sent;
    };
  });

  let questions = 0;

  /** Sends an event, and takes all messages up to its answer. */
  async function ask(type: string, data: object, key?: string): Promise<void> {
    const id = `question ${++questions}`;
    ada.ws.send(JSON.stringify({ event_type: type, data, id, key }));
    while ((await next(ada.ws)).id !== id);
  }

  test("a message to a group: one, as without it", async () => {
    expect(await cost(() => ask("send", { group: "of others" }))).toBe(1);
  });

  test("a join: at most nine", async () => {
    let group = 0;
    const join = () => ask("join", { group: `g${group++}` });
    expect(await cost(join)).toBeLessThanOrEqual(9);
    for (let more = 0; more < 20; more++) await join();
    expect(await cost(join)).toBeLessThanOrEqual(9);
  });

  test("a question for what was missed: one, and none if the client is not in the channel", async () => {
    const epoch = ada.channels.user?.epoch;
    const question = { epoch, after: 0, upTo: 0 };
    expect(await cost(() => askHistory(ada, { ...question, channel: "user" }))).toBe(1);
    expect(await cost(() => askHistory(ada, { ...question, channel: "group:of others" }))).toBe(0);
    expect(await cost(() => askHistory(ada, { ...question, channel: "user", after: -1 }))).toBe(0);
  });

  test("a request with a key: two beside its handler, and one for a repetition", async () => {
    let key = 0;
    const name = () => `key-of-a-request-${key}`;
    expect(await cost(() => ask("echo", {}, `${name()}${++key}`))).toBe(2);
    expect(await cost(() => ask("echo", {}, "always-the-same-key"))).toBe(1);
    send(ada.ws, "echo", {}, "last");
    expect(await next(ada.ws)).toMatchObject({ id: "last" });
  });
});
