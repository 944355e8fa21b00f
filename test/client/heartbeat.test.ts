import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { WebSocketServer } from "ws";
import { eventually } from "../support/eventually.ts";
import { openPage } from "./browser-page.ts";
import { afterThisTest, connectClient, serveBehindRelay, serveChat } from "./support.ts";

/** Stops the whole process, as a suspended machine does, and resolves when the timers that were due have run. */
async function sleep(): Promise<void> {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_000);
  // The first turn ends before timers run, the second after.
  await turn();
  await turn();
}

describe("heartbeats", () => {
  test("keep a connection that says nothing else", async () => {
    const { wsUrl, connections } = await serveChat({ inactivityThresholdSeconds: 2, pingIntervalMs: 0 });
    const beating = connectClient({ url: wsUrl, heartbeatIntervalMs: 200 });
    await beating.until("open");
    const silent = connectClient({ url: wsUrl, heartbeatIntervalMs: 0 });
    await silent.until("open");
    expect(await silent.until("waiting")).toMatchObject({ code: 4008, reason: "inactive" });
    expect(beating.states).toEqual([["open", {}]]);
    expect(Date.now() - (connections[0]?.lastSeen ?? 0)).toBeLessThan(1_500);
  });

  test("of the server are answered, and are not heard as events", async () => {
    const { wsUrl, connections } = await serveChat({ heartbeat: { enabled: true, frequencyMs: 50 } });
    const { client, states, until } = connectClient({ url: wsUrl, heartbeatIntervalMs: 0 });
    const events: unknown[] = [];
    client.on("session.heartbeat", (data) => events.push(data));
    await until("open");
    await eventually(() => expect(connections).toHaveLength(1));
    const answers: string[] = [];
    connections[0]?.ws.on("message", (message) => answers.push(message.toString()));
    await eventually(() => expect(answers).toContain('{"status":"success"}'));
    expect(events).toEqual([]);
    expect(states).toEqual([["open", {}]]);
  });
});

describe("a dead line", () => {
  test("is found when a heartbeat is not answered, and made anew", async () => {
    const { chat, line } = await serveBehindRelay();
    const { client, until } = connectClient({
      url: line.url,
      heartbeatIntervalMs: 100,
      requestTimeoutMs: 500,
    });
    await until("open");
    const began = performance.now();
    line.freeze();
    expect(await until("waiting")).toMatchObject({ code: 1006, reason: "no_answer" });
    expect(performance.now() - began).toBeGreaterThanOrEqual(300);
    await until("open", 1);
    expect(await client.request("number", { n: 1 })).toEqual({ n: 1 });
    expect(chat.numbers).toEqual([1]);
  });

  test("is none, as long as anything at all is heard", async () => {
    // One that answers no heartbeat, and has news instead.
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await once(server, "listening");
    server.on("connection", (ws) => {
      const news = setInterval(() => ws.send('{"event_type":"news","data":{}}'), 50);
      ws.on("close", () => clearInterval(news));
    });
    afterThisTest(() => server.close());
    const { client, states, until } = connectClient({
      url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws`,
      heartbeatIntervalMs: 100,
      requestTimeoutMs: 600,
    });
    let heard = 0;
    client.on("news", () => heard++);
    await until("open");
    // For more than twice as long as a heartbeat may be unanswered.
    await eventually(() => expect(heard).toBeGreaterThanOrEqual(26));
    expect(states).toEqual([["open", {}]]);
  });

  test("is none after a sleep, as what has come in meanwhile is heard first", async () => {
    const { wsUrl } = await serveChat();
    const page = openPage();
    const { client, states, until } = connectClient({
      url: wsUrl,
      heartbeatIntervalMs: 60_000,
      requestTimeoutMs: 500,
    });
    await until("open");
    page.emit("online");
    await sleep();
    expect(await client.request("number", { n: 1 })).toEqual({ n: 1 });
    expect(states).toEqual([["open", {}]]);
  });

  test("is found also by timers that are always late, as those of a hidden tab are", async () => {
    const { line } = await serveBehindRelay();
    const page = openPage();
    const { until, states } = connectClient({
      url: line.url,
      heartbeatIntervalMs: 60_000,
      requestTimeoutMs: 100,
    });
    await until("open");
    line.freeze();
    page.emit("online");
    await sleep();
    expect(states).toHaveLength(1);
    // No timer is in time in between, by which it would be found in any case.
    for (let slept = 0; slept < 2 && states.length === 1; slept++) await sleep();
    expect(states[1]).toMatchObject(["waiting", { reason: "no_answer" }]);
  });

  test("that wakes up late does no harm to the one that took its place", async () => {
    const { chat, line } = await serveBehindRelay();
    const { client, states, until } = connectClient({
      url: line.url,
      heartbeatIntervalMs: 50,
      requestTimeoutMs: 500,
      WebSocket: (await import("./browser-like-socket.ts")).BrowserLikeSocket,
    });
    await until("open");
    line.freeze();
    await until("waiting");
    await until("open", 1);
    const { length } = states;
    // Now the first one's close is told, as browsers do it when the next is open.
    line.cut();
    await until("waiting", length);
    await until("open", length);
    expect(await client.request("number", { n: 1 })).toEqual({ n: 1 });
    expect(states.slice(length).map(([state]) => state)).toEqual(["waiting", "connecting", "open"]);
    expect(chat.numbers).toEqual([1]);
  });
});

describe("a server that does not answer the handshake", () => {
  test("is given up after connectTimeoutMs, and tried again", async () => {
    const server = createServer((socket) => socket.on("error", () => {}).resume());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    afterThisTest(() => server.close());
    const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws`;
    const { client, states, until } = connectClient({ url, connectTimeoutMs: 60 });
    const began = performance.now();
    expect(await until("waiting")).toMatchObject({ code: 1006, reason: "connect_timeout" });
    expect(performance.now() - began).toBeGreaterThanOrEqual(55);
    await until("waiting", 1);
    expect(states.slice(0, 3).map(([state]) => state)).toEqual(["waiting", "connecting", "waiting"]);
    client.close();
  });
});
