import { RedisBus } from "../../lib/bus/redis-bus.ts";
import { inbox } from "../../lib/testing/bus-suite/bus-inbox.ts";
import { eventually } from "../support/eventually.ts";
import { connectRedis, type RedisClient, uniquePrefix } from "../support/redis-client.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";

const healed = { withinMs: 20_000 };

let server: RedisServer;
let client: RedisClient;
let bus: RedisBus;

beforeEach(async () => {
  server = await startRedisServer();
  client = await connectRedis(server.url);
});

afterEach(async () => {
  await bus.close();
  client.destroy();
  await server.stop();
});

/** A client that shows its pub/sub lines to a test before it uses them. */
function withLines(onLine: (line: RedisClient, count: number) => void): RedisClient {
  let count = 0;
  return new Proxy(client, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (name !== "duplicate") return typeof member === "function" ? member.bind(target) : member;
      return () => {
        const line = target.duplicate();
        onLine(line as RedisClient, ++count);
        return line;
      };
    },
  });
}

/** Replaces a line's `subscribe` by a function of the test. */
function aroundSubscribe(
  line: RedisClient,
  around: (channel: string, subscribe: () => Promise<void>) => Promise<void>,
): void {
  const subscribe = line.subscribe.bind(line);
  line.subscribe = ((channel: string, listener: () => void) =>
    around(channel, () => subscribe(channel, listener))) as typeof line.subscribe;
}

// Once, a channel whose subscription was lost stayed silent as long as the process ran.
describe("a bus", () => {
  test("whose client mistakes another answer for that of a subscription receives again, and reports the gap", async () => {
    let lines = 0;
    const deaf = withLines((line, count) => {
      lines = count;
      if (count > 1) return;
      aroundSubscribe(line, async (channel, subscribe) =>
        channel.endsWith(":deaf") ? undefined : subscribe(),
      );
    });
    bus = new RedisBus(deaf, uniquePrefix("deaf"));
    let gaps = 0;
    bus.onReconnect(() => gaps++);
    const [heard, other] = [await inbox(bus, "deaf"), await inbox(bus, "other")];
    await eventually(async () => {
      await bus.publish("deaf", "hello");
      expect(heard).toContain("hello");
    }, healed);
    // The event that the line is up also reports it, if it comes after the subscriptions.
    expect(gaps).toBeGreaterThanOrEqual(1);
    expect(lines).toBe(2);
    await bus.publish("other", "once");
    await bus.publish("other", "end");
    await eventually(() => expect(other).toEqual(["once", "end"]));
  });

  test("without the right to one channel receives on the others, and on that one once it has the right", async () => {
    await client.sendCommand(["ACL", "SETUSER", "app", "on", ">pw", "~*", "+@all", "&*"]);
    const limited = await connectRedis(server.url, { username: "app", password: "pw" });
    const rejections: unknown[] = [];
    const onRejection = (error: unknown) => rejections.push(error);
    process.on("unhandledRejection", onRejection);
    try {
      const prefix = uniquePrefix("acl");
      bus = new RedisBus(limited, prefix);
      let gaps = 0;
      bus.onReconnect(() => gaps++);
      const [secret, open] = [await inbox(bus, "secret"), await inbox(bus, "open")];
      // Redis cuts the lines of a user whose channels are taken away.
      await client.sendCommand(["ACL", "SETUSER", "app", "resetchannels", `&${prefix}bus:open`]);
      await eventually(async () => {
        await bus.publish("open", "hello");
        expect(open).toContain("hello");
      }, healed);
      await client.sendCommand(["ACL", "SETUSER", "app", "allchannels"]);
      const before = gaps;
      await eventually(async () => {
        await bus.publish("secret", "hello");
        expect(secret).toContain("hello");
      }, healed);
      expect(gaps).toBeGreaterThan(before);
      expect(rejections).toEqual([]);
    } finally {
      process.off("unhandledRejection", onRejection);
      limited.destroy();
    }
  });

  test("does not count a Redis that does not answer as deaf, and lets only a few probes wait for it", async () => {
    let lines = 0;
    bus = new RedisBus(
      withLines((_line, count) => {
        lines = count;
      }),
      uniquePrefix("slow"),
    );
    const heard = await inbox(bus, "a");
    await client.sendCommand(["CLIENT", "PAUSE", "11000", "ALL"]);
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    await eventually(async () => expect(await client.ping()).toBe("PONG"), healed);
    await bus.publish("a", "hello");
    await eventually(() => expect(heard).toEqual(["hello"]));
    const stats = await client.info("commandstats");
    expect(Number(/cmdstat_publish:calls=(\d+)/.exec(stats)?.[1])).toBeLessThan(10);
    expect(lines).toBe(1);
  });

  test("with thousands of channels probes a few at a time, each in turn", async () => {
    bus = new RedisBus(client, uniquePrefix("many"));
    await Promise.all(Array.from({ length: 600 }, (_, n) => bus.subscribe(`channel ${n}`, () => {})));
    await client.configResetStat();
    await new Promise((resolve) => setTimeout(resolve, 7_000));
    const stats = await client.info("commandstats");
    const probes = Number(/cmdstat_publish:calls=(\d+)/.exec(stats)?.[1]);
    expect(probes).toBeGreaterThan(150);
    expect(probes).toBeLessThan(500);
  });
});
