import { closeCodes } from "../../lib/client.ts";
import { eventually } from "../support/eventually.ts";
import { signIn } from "../websocket/support.ts";
import { connectClient, serveBehindRelay, serveChat, webSocketOf } from "./support.ts";

test("after a restart of the server, messages sent meanwhile arrive once, in order", async () => {
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
  // A failed attempt loses no message.
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
])("waits ten times as long after %i, because the server asks for it", async (code, reason) => {
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
  "a close with %i ends the client, with the reason",
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

test("a broken line closes with 1006, and the client reconnects", async () => {
  const { line } = await serveBehindRelay();
  const { until } = connectClient({ url: line.url });
  await until("open");
  line.cut();
  expect(await until("waiting")).toMatchObject({ code: 1006, reason: "" });
  await until("open", 1);
});

test("a destroyed session ends the client", async () => {
  const chat = await serveChat();
  const browser = await signIn(chat);
  const { until } = connectClient({ url: chat.wsUrl, WebSocket: webSocketOf(browser) });
  await until("open");
  await browser.post("/destroy");
  expect(await until("ended")).toEqual({ code: 4501, reason: "session_ended" });
});

test("a session that gets a new id makes the client reconnect with the new cookie", async () => {
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

test("a refused handshake is repeated with longer and longer waits", async () => {
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

test.each([1011, closeCodes.session_replaced])(
  "waits longer each time when its connections are accepted and closed at once with %i",
  async (code) => {
    const chat = await serveChat();
    chat.chat.on("connect", (connection) => connection.close(code, "again"));
    const { states } = connectClient({
      url: chat.wsUrl,
      minReconnectDelayMs: 1,
      maxReconnectDelayMs: 10_000,
    });
    const random = jest.spyOn(Math, "random").mockReturnValue(1 - 2 ** -53);
    try {
      const waits = () => states.filter(([state]) => state === "waiting").map(([, info]) => info.retryInMs);
      await eventually(() => expect(waits().slice(0, 5)).toEqual([2, 4, 8, 16, 32]));
    } finally {
      random.mockRestore();
    }
  },
);
