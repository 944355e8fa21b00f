import { redisBackend } from "../../lib/redis.ts";
import { eventually } from "../support/eventually.ts";
import { connectRedis, type RedisClient, uniquePrefix } from "../support/redis-client.ts";
import { sharedRedis } from "./places.ts";
import { afterThisTest, ask, type Served, serve, sidOf, signIn } from "./support.ts";

/** The commands that Redis has received for a prefix. A marker of another client shows that no more follow. */
async function watchCommands(prefix: string): Promise<() => Promise<string[]>> {
  const monitor = await connectRedis();
  afterThisTest(() => monitor.destroy());
  const lines: string[] = [];
  await monitor.monitor((line) => void lines.push(String(line)));
  return async () => {
    await (await sharedRedis()).get(`${prefix}marker`);
    await eventually(() => expect(lines.some((line) => line.includes(`${prefix}marker`))).toBe(true));
    const ours = lines
      .splice(0)
      .filter((line) => line.includes(`${prefix}sess:`) && !line.includes(" lua] "));
    const names = ours.map((line) => /\] "(\w+)"/.exec(line)?.[1]?.toUpperCase() ?? line);
    // A process that stood still for a moment checks its sessions. These commands are not counted.
    return names.filter((name) => name !== "PTTL");
  };
}

describe("the Redis commands of a WebSocket", () => {
  let client: RedisClient;
  let prefix: string;
  let served: Served;
  let commands: () => Promise<string[]>;

  beforeEach(async () => {
    client = await sharedRedis();
    prefix = uniquePrefix("ws");
    const backend = redisBackend({ client, prefix });
    served = await serve({ session: { backend } });
    // Every session is read twice until the node has joined.
    await backend.node.join();
    commands = await watchCommands(prefix);
  });

  test("a handshake with a session: one read", async () => {
    const browser = await signIn(served);
    await commands();
    await browser.webSocket("/ws");
    expect(await commands()).toEqual(["GET"]);
  });

  test("a handshake with a session and an async authorize: two reads", async () => {
    const backend = redisBackend({ client, prefix });
    const slow = await serve({
      session: { backend },
      webSocket: { path: "/ws", authorize: async () => true },
    });
    await backend.node.join();
    const browser = await signIn(slow);
    await commands();
    await browser.webSocket("/ws");
    expect(await commands()).toEqual(["GET", "GET"]);
  });

  test("a handshake without a cookie or with a forged one: none", async () => {
    const browser = served.browser();
    await browser.webSocket("/ws");
    browser.cookies.set("connect.sid", "s%3Aguess.guess");
    await browser.webSocket("/ws");
    expect(await commands()).toEqual([]);
  });

  test("a handshake that is refused for its origin: none; one whose session is gone: one read", async () => {
    const browser = await signIn(served);
    await commands();
    await expect(browser.webSocket("/ws", { origin: "http://evil.example" })).rejects.toThrow("403");
    expect(await commands()).toEqual([]);
    await client.del(`${prefix}sess:${sidOf(browser)}`);
    await commands();
    await browser.webSocket("/ws");
    expect(await commands()).toEqual(["GET"]);
  });

  test("messages, unsaved changes and the close: none; a save: one script", async () => {
    const browser = await signIn(served);
    const ws = await browser.webSocket("/ws");
    await ask(ws, "save");
    await commands();
    await ask(ws, "set", { visits: 1 });
    expect(await commands()).toEqual([]);
    await ask(ws, "save");
    expect(await commands()).toEqual(["EVALSHA"]);
    ws.close();
    await eventually(() => expect(served.wsSessions.connections.size).toBe(0));
    expect(await commands()).toEqual([]);
  });
});
