import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { WebSocketServer } from "ws";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { openPage } from "./browser-page.ts";
import { afterThisTest, connectClient, serveBehindRelay, serveChat } from "./support.ts";

/** Lets the test control the time of all clients that it makes from now on. */
function stopTime(): void {
  jest.useFakeTimers({ doNotFake: ["Date", "setImmediate", "nextTick", "queueMicrotask"] });
  afterThisTest(() => jest.useRealTimers());
}

/** Stops the whole process, as a suspended machine does. Resolves when the due timers have run. */
async function sleep(ms = 2_000): Promise<void> {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  // The first turn ends before timers run, the second after.
  await turn();
  await turn();
}

describe("heartbeats", () => {
  test("keep a connection open that sends nothing else", async () => {
    const clock = new FakeClock();
    const { wsUrl, connections } = await serveChat({
      inactivityThresholdSeconds: 2,
      pingIntervalMs: 0,
      clock,
    });
    const beating = connectClient({ url: wsUrl, heartbeatIntervalMs: 50 });
    await eventually(() => expect(connections).toHaveLength(1));
    const [line] = connections;
    const silent = connectClient({ url: wsUrl, heartbeatIntervalMs: 0 });
    await silent.until("open");
    for (let passed = 0; passed < 10; passed++) {
      await clock.advance(1_000);
      await eventually(() => expect(line?.lastSeen).toBe(clock.now()));
    }
    expect(await silent.until("waiting")).toMatchObject({ code: 4008, reason: "inactive" });
    expect(beating.states).toEqual([["open", {}]]);
  });

  test("of the server are answered, and reach no event listener", async () => {
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
  test("is detected by a heartbeat without an answer, and the client reconnects", async () => {
    const { chat, line } = await serveBehindRelay();
    stopTime();
    const { client, states, until } = connectClient({
      url: line.url,
      heartbeatIntervalMs: 100,
      requestTimeoutMs: 500,
    });
    await until("open");
    line.freeze();
    jest.advanceTimersByTime(599);
    expect(states).toHaveLength(1);
    jest.advanceTimersByTime(1);
    expect(states[1]).toMatchObject(["waiting", { code: 1006, reason: "no_answer" }]);
    jest.advanceTimersByTime(50);
    await until("open", 1);
    expect(await client.request("number", { n: 1 })).toEqual({ n: 1 });
    expect(chat.numbers).toEqual([1]);
  });

  test("is not assumed while anything at all arrives", async () => {
    // This server answers no heartbeat and sends events instead.
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await once(server, "listening");
    afterThisTest(() => server.close());
    stopTime();
    const { client, states, until } = connectClient({
      url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws`,
      heartbeatIntervalMs: 100,
      requestTimeoutMs: 600,
    });
    let heard = 0;
    client.on("news", () => heard++);
    await until("open");
    const [news] = server.clients;
    // More than twice as long as a heartbeat may be unanswered.
    for (let sent = 1; sent <= 26; sent++) {
      news?.send('{"event_type":"news","data":{}}');
      while (heard < sent && states.length === 1) await turn();
      jest.advanceTimersByTime(50);
    }
    expect(states).toEqual([["open", {}]]);
  });

  test("is not assumed after a sleep, because messages that arrived meanwhile are read first", async () => {
    const { wsUrl } = await serveChat();
    const page = openPage();
    const { client, states, until } = connectClient({
      url: wsUrl,
      heartbeatIntervalMs: 60_000,
      requestTimeoutMs: 2_000,
    });
    await until("open");
    page.emit("online");
    await sleep(3_500);
    expect(await client.request("number", { n: 1 })).toEqual({ n: 1 });
    expect(states).toEqual([["open", {}]]);
  });

  test("is detected even by timers that are always late, like those of a hidden tab", async () => {
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
    // No timer runs on time in between. One that did would detect the dead line anyway.
    for (let slept = 0; slept < 2 && states.length === 1; slept++) await sleep();
    expect(states[1]).toMatchObject(["waiting", { reason: "no_answer" }]);
  });

  test("that comes back late does not affect the line that replaced it", async () => {
    const { chat, line } = await serveBehindRelay();
    stopTime();
    const { client, states, until } = connectClient({
      url: line.url,
      heartbeatIntervalMs: 50,
      requestTimeoutMs: 500,
      WebSocket: (await import("./browser-like-socket.ts")).BrowserLikeSocket,
    });
    await until("open");
    line.freeze();
    jest.advanceTimersByTime(550);
    await until("waiting");
    jest.advanceTimersByTime(50);
    await until("open", 1);
    const { length } = states;
    // The close of the first line is reported only now, as browsers do when the next line is open.
    line.cut();
    await until("waiting", length);
    jest.advanceTimersByTime(50);
    await until("open", length);
    expect(await client.request("number", { n: 1 })).toEqual({ n: 1 });
    expect(states.slice(length).map(([state]) => state)).toEqual(["waiting", "connecting", "open"]);
    expect(chat.numbers).toEqual([1]);
  });
});

describe("a server that does not answer the handshake", () => {
  test("is given up after connectTimeoutMs, and another attempt follows", async () => {
    const server = createServer((socket) => socket.on("error", () => {}).resume());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    afterThisTest(() => server.close());
    const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws`;
    const began = performance.now();
    const { client, states, until } = connectClient({ url, connectTimeoutMs: 60 });
    expect(await until("waiting")).toMatchObject({ code: 1006, reason: "connect_timeout" });
    expect(performance.now() - began).toBeGreaterThanOrEqual(55);
    await until("waiting", 1);
    expect(states.slice(0, 3).map(([state]) => state)).toEqual(["waiting", "connecting", "waiting"]);
    client.close();
  });
});
