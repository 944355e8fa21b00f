import { eventually } from "../support/eventually.ts";
import { relay } from "./relay.ts";
import { connectClient, serveBehindRelay, serveChat } from "./support.ts";

describe("close", () => {
  test("tells the server after all messages that were sent before", async () => {
    const { chat, wsUrl, numbers } = await serveChat();
    const closes: object[] = [];
    chat.on("disconnect", (_connection, closed) => closes.push(closed));
    const { client, until, states } = connectClient({ url: wsUrl });
    await until("open");
    client.send("number", { n: 1 });
    client.close();
    expect(client.state).toBe("ended");
    expect(states.at(-1)).toEqual(["ended", { code: 1000, reason: "" }]);
    await eventually(() => expect(closes).toEqual([{ code: 1000, reason: "" }]));
    expect(numbers).toEqual([1]);
  });

  test("during an attempt to connect opens no connection", async () => {
    let allow: (answer: boolean) => void = () => {};
    let isAsked = false;
    const allowed = new Promise<boolean>((resolve) => {
      allow = resolve;
    });
    const chat = await serveChat(
      {},
      {
        webSocket: {
          path: "/ws",
          authorize: () => {
            isAsked = true;
            return allowed;
          },
        },
      },
    );
    const { client, states } = connectClient({ url: chat.wsUrl });
    client.send("number", { n: 1 });
    await eventually(() => expect(isAsked).toBe(true));
    client.close();
    expect(states).toEqual([["ended", { code: 1000, reason: "" }]]);
    allow(true);
    const second = connectClient({ url: chat.wsUrl });
    await second.until("open");
    await eventually(() => expect(chat.wsSessions.connections.size).toBe(1));
    expect(await second.client.request("number", { n: 2 })).toEqual({ n: 2 });
    expect(chat.numbers).toEqual([2]);
    expect(states).toHaveLength(1);
  });

  test("during a wait starts no further attempt", async () => {
    const line = await relay();
    const { client, states, until } = connectClient({ url: line.url });
    await until("waiting");
    const { length } = states;
    const { count } = line;
    client.close();
    // Another client with the same waits makes attempts meanwhile.
    const other = connectClient({ url: (await relay()).url });
    await eventually(() => expect(other.states.length).toBeGreaterThan(10));
    expect(states.slice(length)).toEqual([["ended", { code: 1000, reason: "" }]]);
    expect(line.count).toBe(count);
  });

  test("leaves no timer behind, in any state", async () => {
    const { chat, line } = await serveBehindRelay();
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const before = timers();
    const connecting = connectClient({ url: line.url });
    connecting.client.request("number").catch(() => {});
    const open = connectClient({ url: line.url });
    await open.until("open");
    open.client.request("never").catch(() => {});
    for (let n = 0; n < 60; n++) open.client.send("number", { n });
    const draining = connectClient({ url: line.url });
    for (let n = 0; n < 60; n++) draining.client.send("number", { n });
    await draining.until("open");
    const waiting = connectClient({
      url: (await relay()).url,
      minReconnectDelayMs: 9_000,
      maxReconnectDelayMs: 9_000,
    });
    await waiting.until("waiting");
    connectClient({ url: line.url }).client.close();
    for (const { client } of [connecting, open, draining, waiting]) client.close();
    await eventually(() => expect(chat.wsSessions.connections.size).toBe(0));
    await eventually(() => expect(timers()).toBeLessThanOrEqual(before));
  });

  test("by a state listener, in any state, makes ended the last state that listeners receive", async () => {
    const { chat, line } = await serveBehindRelay();
    for (const last of ["open", "waiting", "connecting"] as const) {
      line.target = chat.port;
      const { client, states, until } = connectClient({ url: line.url });
      const also: string[] = [];
      client.onState((state) => state === last && client.close());
      client.onState((state) => also.push(state));
      if (last !== "open") {
        await until("open");
        line.cut();
      }
      await until("ended");
      expect(states.map(([state]) => state).slice(-2)).toEqual([last, "ended"]);
      expect(also).toEqual(states.map(([state]) => state));
    }
  });
});
