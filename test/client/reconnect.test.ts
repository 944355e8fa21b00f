import { closeCodes } from "../../lib/client.ts";
import { eventually } from "../support/eventually.ts";
import { signIn } from "../websocket/support.ts";
import { relay } from "./relay.ts";
import { connectClient, serveBehindRelay, serveChat, webSocketOf } from "./support.ts";

test("after a restart of the server, what was sent meanwhile arrives once and in order", async () => {
  const { chat, line } = await serveBehindRelay();
  const { client, until, states } = connectClient({ url: line.url });
  client.send("number", { n: 0 });
  await eventually(() => expect(chat.numbers).toEqual([0]));
  line.target = undefined;
  await chat.wsSessions.close();
  expect(await until("waiting")).toMatchObject({ code: 1012, reason: "service_restart" });
  const answers = [];
  for (let n = 1; n <= 40; n++) {
    if (n % 2) client.send("number", { n });
    else answers.push(client.request("number", { n }));
  }
  // An attempt that fails takes nothing with it.
  await until("waiting", states.length);
  const next = await serveChat();
  line.target = next.port;
  expect(await Promise.all(answers)).toEqual(Array.from({ length: 20 }, (_, i) => ({ n: 2 * i + 2 })));
  await eventually(() => expect(next.numbers).toEqual(Array.from({ length: 40 }, (_, i) => i + 1)));
  expect(chat.numbers).toEqual([0]);
  expect(states.at(-1)).toEqual(["open", {}]);
});

test.each([1000, 1001, 1008, 1011, 1012, 3000, 4000, 4008, 4009, 4013, 4499])(
  "reconnects after a close with %i",
  async (code) => {
    const { wsUrl, connections } = await serveChat();
    const { client, until } = connectClient({ url: wsUrl });
    await until("open");
    await eventually(() => expect(connections).toHaveLength(1));
    connections[0]?.close(code, "why");
    const info = await until("waiting");
    expect(info).toMatchObject({ code, reason: "why" });
    expect(info.retryInMs).toBeGreaterThanOrEqual(10);
    expect(info.retryInMs).toBeLessThanOrEqual(20);
    await until("open", 1);
    expect(await client.request("number", { n: 1 })).toEqual({ n: 1 });
  },
);

test.each([
  [1013, "try_again_later"],
  [closeCodes.rate_limited, "rate_limited"],
])("waits ten times as long after %i, as the server asks for it", async (code, reason) => {
  const { wsUrl, connections } = await serveChat();
  const { until } = connectClient({ url: wsUrl, maxReconnectDelayMs: 1_000 });
  await until("open");
  await eventually(() => expect(connections).toHaveLength(1));
  connections[0]?.close(code, reason);
  const info = await until("waiting");
  expect(info.retryInMs).toBeGreaterThanOrEqual(100);
  expect(info.retryInMs).toBeLessThanOrEqual(200);
  await until("open", 1);
});

test.each([4500, closeCodes.session_ended, closeCodes.forbidden, 4999])(
  "a close with %i ends it, and says why",
  async (code) => {
    const { chat, line } = await serveBehindRelay();
    const { client, until, states } = connectClient({ url: line.url });
    await until("open");
    await eventually(() => expect(chat.connections).toHaveLength(1));
    const asked = client.request("never");
    asked.catch(() => {});
    chat.connections[0]?.close(code, "why");
    expect(await until("ended")).toEqual({ code, reason: "why" });
    await expect(asked).rejects.toMatchObject({ code: "closed" });
    expect(client.state).toBe("ended");
    expect(() => client.send("number")).toThrow(expect.objectContaining({ code: "closed" }));
    client.close();
    expect(states.map(([state]) => state)).toEqual(["open", "ended"]);
    expect(line.count).toBe(1);
  },
);

test("a line that breaks is 1006, and is made anew", async () => {
  const { line } = await serveBehindRelay();
  const { until } = connectClient({ url: line.url });
  await until("open");
  line.cut();
  expect(await until("waiting")).toMatchObject({ code: 1006, reason: "" });
  await until("open", 1);
});

test("a session that is destroyed ends it", async () => {
  const chat = await serveChat();
  const browser = await signIn(chat);
  const { until } = connectClient({ url: chat.wsUrl, WebSocket: webSocketOf(browser) });
  await until("open");
  await browser.post("/destroy");
  expect(await until("ended")).toEqual({ code: 4501, reason: "session_ended" });
});

test("a session that gets a new id has it reconnect, with the new cookie", async () => {
  const chat = await serveChat();
  const browser = await signIn(chat);
  const { until } = connectClient({
    url: chat.wsUrl,
    WebSocket: webSocketOf(browser),
    minReconnectDelayMs: 100,
  });
  await until("open");
  await browser.post("/regenerate");
  expect(await until("waiting")).toMatchObject({ code: 4009, reason: "session_replaced" });
  await until("open", 1);
  await eventually(() => expect(chat.connections[0]?.req.session).toMatchObject({ name: "Ada" }));
});

test("a handshake that is refused is tried again and again, with longer and longer waits", async () => {
  let isAllowed = false;
  const chat = await serveChat({}, { webSocket: { path: "/ws", authorize: () => isAllowed } });
  const { client, states, until } = connectClient({
    url: chat.wsUrl,
    minReconnectDelayMs: 1,
    maxReconnectDelayMs: 40,
  });
  client.send("number", { n: 1 });
  const waits = () => states.filter(([state]) => state === "waiting").map(([, info]) => info);
  await eventually(() => expect(waits().length).toBeGreaterThanOrEqual(10));
  for (const [index, { code, retryInMs }] of waits().entries()) {
    expect(code).toBe(1006);
    expect(retryInMs).toBeGreaterThanOrEqual(1);
    expect(retryInMs).toBeLessThanOrEqual(Math.min(40, 2 ** (index + 1)));
  }
  isAllowed = true;
  await until("open");
  await eventually(() => expect(chat.numbers).toEqual([1]));
});

test("one that is let in and closed at once, again and again, waits longer each time", async () => {
  const chat = await serveChat();
  chat.chat.on("connect", (connection) => connection.close(1011, "broken"));
  const { states } = connectClient({ url: chat.wsUrl, minReconnectDelayMs: 1, maxReconnectDelayMs: 10_000 });
  const random = jest.spyOn(Math, "random").mockReturnValue(1 - 2 ** -53);
  try {
    const waits = () => states.filter(([state]) => state === "waiting").map(([, info]) => info.retryInMs);
    await eventually(() => expect(waits().slice(0, 5)).toEqual([2, 4, 8, 16, 32]));
  } finally {
    random.mockRestore();
  }
});

describe("close", () => {
  test("tells the server, after what was sent", async () => {
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

  test("while it connects lets no connection open", async () => {
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

  test("while it waits lets no attempt follow", async () => {
    const line = await relay();
    const { client, states, until } = connectClient({ url: line.url });
    await until("waiting");
    const { length } = states;
    const { count } = line;
    client.close();
    // Another one makes attempts in the meantime, with waits as long.
    const other = connectClient({ url: (await relay()).url });
    await eventually(() => expect(other.states.length).toBeGreaterThan(10));
    expect(states.slice(length)).toEqual([["ended", { code: 1000, reason: "" }]]);
    expect(line.count).toBe(count);
  });

  test("leaves no timer behind, whatever it was about to do", async () => {
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

  test("by a listener of the state, in any of them, is the last that anybody is told", async () => {
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
