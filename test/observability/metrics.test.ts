import { Gauge, Registry } from "prom-client";
import type { WebSocket } from "ws";
import { realtime, webSocketSessions } from "../../lib/index.ts";
import { closed, nextMessage } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { redisPlace } from "../websocket/places.ts";
import { afterThisTest, type Served, serve, signIn } from "../websocket/support.ts";

/** Serves an app with realtime, and a register with its figures. */
async function measured(): Promise<
  Served & { chat: ReturnType<typeof realtime>; scrape(): Promise<string> }
> {
  const served = await serve({ place: await redisPlace(), onConnection: () => {} });
  const chat = realtime({ maxMessagesPerSecond: 5 });
  chat.on("echo", (connection, data) => connection.send("echo", data));
  served.wsSessions.attach(chat);
  afterThisTest(() => served.wsSessions.close());
  const register = new Registry();
  await served.wsSessions.metrics(register);
  return { ...served, chat, scrape: () => register.metrics() };
}

/** The value of one line of a scrape. */
function value(text: string, name: string): number | undefined {
  const line = text.split("\n").find((each) => each.startsWith(`express_session_stack_${name} `));
  return line === undefined ? undefined : Number(line.split(" ").at(-1));
}

function echo(ws: WebSocket): void {
  ws.send(JSON.stringify({ event_type: "echo", data: { text: "x".repeat(100) } }));
}

describe("figures of a node", () => {
  it("count handshakes, connections, messages and closes, in stats() and in a scrape alike", async () => {
    const served = await measured();
    const browser = await signIn(served);
    const ws = await browser.webSocket("/ws");
    await expect(served.browser().webSocket("/elsewhere")).rejects.toThrow("404");
    echo(ws);
    await nextMessage(ws);

    expect(served.wsSessions.stats()).toEqual({
      connections: 1,
      anonymousConnections: 0,
      handshakes: { "101": 1, "404": 1 },
      closes: {},
      revocations: 0,
      bufferedBytes: 0,
    });
    expect(served.chat.stats()).toMatchObject({
      connections: 1,
      users: 0,
      groups: 0,
      messagesIn: 1,
      messagesOut: 1,
    });
    const open = await served.scrape();
    expect(value(open, "connections")).toBe(1);
    expect(value(open, 'handshakes_total{status="101"}')).toBe(1);
    expect(value(open, 'handshakes_total{status="404"}')).toBe(1);
    expect(value(open, "messages_in_total")).toBe(1);
    expect(value(open, "bytes_in_total")).toBeGreaterThan(100);
    expect(value(open, "bytes_out_total")).toBeGreaterThan(100);
    expect(value(open, 'store_call_seconds_count{result="answered"}')).toBeGreaterThan(1);

    ws.close(1000);
    await closed(ws);
    await eventually(async () => expect(value(await served.scrape(), 'closes_total{code="1000"}')).toBe(1));
    expect(value(await served.scrape(), "connections")).toBe(0);
  });

  it("count closes by known codes only, whatever a client sends", async () => {
    const served = await measured();
    const browser = await signIn(served);
    for (const code of [1001, 3000, 3001, 4000, 4008, 4999]) (await browser.webSocket("/ws")).close(code);
    await eventually(() => {
      expect(served.wsSessions.stats().closes).toEqual({ "1001": 1, "4008": 1, other: 4 });
    });
  });

  it("measure how long a revocation takes to close connections", async () => {
    const served = await measured();
    const browser = await signIn(served);
    const ws = await browser.webSocket("/ws");
    await browser.post("/destroy");
    expect((await closed(ws)).code).toBe(4501);
    const text = await served.scrape();
    expect(value(text, "revocations_total")).toBe(1);
    expect(value(text, "revocation_seconds_count")).toBe(1);
    expect(value(text, 'revocation_seconds_bucket{le="1"}')).toBe(1);
  });

  it("count connections that were closed for misbehaviour", async () => {
    const served = await measured();
    const ws = await (await signIn(served)).webSocket("/ws");
    for (let n = 0; n < 10; n++) echo(ws);
    expect((await closed(ws)).code).toBe(4029);
    expect(served.chat.stats()).toMatchObject({ rateLimited: 1, slowConsumers: 0, inactive: 0 });
    expect(value(await served.scrape(), "slow_consumers_total")).toBe(0);
  });

  it("are not counted twice when they are scraped twice", async () => {
    const served = await measured();
    await (await signIn(served)).webSocket("/ws");
    await served.scrape();
    expect(value(await served.scrape(), 'handshakes_total{status="101"}')).toBe(1);
  });
});

describe("in one register", () => {
  // Once, the second was refused: "A metric with that name has already been registered."
  it("figures of several webSocketSessions are summed, also of several stacks", async () => {
    const first = await serve({ onConnection: () => {} });
    const second = webSocketSessions(first.stack, { path: "/other" });
    first.server.on("upgrade", second.handleUpgrade);
    const third = await serve({ onConnection: () => {} });
    const register = new Registry();
    for (const sessions of [first.wsSessions, second, third.wsSessions]) await sessions.metrics(register);
    const browser = await signIn(first);
    const all = [
      await browser.webSocket("/ws"),
      await browser.webSocket("/ws"),
      await browser.webSocket("/other"),
    ];
    await (await signIn(third)).webSocket("/ws");
    const open = await register.metrics();
    expect(value(open, "connections")).toBe(4);
    expect(value(open, 'handshakes_total{status="101"}')).toBe(4);
    // The figures of one backend count once, however many share it.
    expect(value(open, "memory_sessions")).toBe(2);
    expect(value(open, "memory_session_bytes")).toBeGreaterThan(100);
    expect(value(open, "memory_memberships")).toBe(0);
    expect(value(open, "memory_connection_data_bytes")).toBe(0);

    const calls = value(open, 'store_call_seconds_count{result="answered"}');
    await browser.get("/session");
    // Two of them share a stack, whose requests are not counted twice.
    const more = value(await register.metrics(), 'store_call_seconds_count{result="answered"}');
    expect(more).toBe((calls ?? 0) + 1);

    await browser.post("/destroy");
    for (const ws of all) await closed(ws);
    const ended = await register.metrics();
    expect(value(ended, "revocations_total")).toBe(3);
    expect(value(ended, "revocation_seconds_count")).toBe(1);
    await eventually(async () =>
      expect(value(await register.metrics(), 'closes_total{code="4501"}')).toBe(3),
    );
  });

  it("registering twice has the effect of once, also after the register was cleared", async () => {
    const served = await serve({ onConnection: () => {} });
    const register = new Registry();
    for (let at = 0; at < 2; at++) await served.wsSessions.metrics(register);
    await (await signIn(served)).webSocket("/ws");
    expect(value(await register.metrics(), "connections")).toBe(1);
    register.clear();
    expect(value(await register.metrics(), "connections")).toBeUndefined();
    await served.wsSessions.metrics(register);
    expect(value(await register.metrics(), 'handshakes_total{status="101"}')).toBe(1);
  });

  it("another register has the same figures, timings included", async () => {
    const served = await serve({ onConnection: () => {} });
    const registers = [new Registry(), new Registry()];
    for (const register of registers) await served.wsSessions.metrics(register);
    const ws = await (await signIn(served)).webSocket("/ws");
    const [one, other] = await Promise.all(registers.map((register) => register.metrics()));
    expect(one).toBe(other);
    expect(value(one as string, "connections")).toBe(1);
    expect(value(one as string, 'store_call_seconds_count{result="answered"}')).toBeGreaterThan(0);
    ws.terminate();
  });
});

describe("for prom-client", () => {
  it("they work like its own metrics: as JSON, one by one, merged, with default labels, reset, and as OpenMetrics", async () => {
    const served = await serve({ onConnection: () => {} });
    const register = new Registry();
    await served.wsSessions.metrics(register);
    await (await signIn(served)).webSocket("/ws");
    const names = (await register.getMetricsAsJSON()).map(({ name }) => name);
    expect(names).toHaveLength(23);
    expect(await register.getSingleMetric("express_session_stack_connections")?.get()).toMatchObject({
      type: "gauge",
      values: [{ value: 1 }],
    });
    expect(await register.getSingleMetricAsString("express_session_stack_connections")).toContain(
      "# TYPE express_session_stack_connections gauge\nexpress_session_stack_connections 1",
    );
    const own = new Registry();
    new Gauge({ name: "own", help: "own", registers: [own] }).set(7);
    const merged = await Registry.merge([register, own]).metrics();
    expect([value(merged, "connections"), merged.includes("own 7")]).toEqual([1, true]);
    register.resetMetrics();
    register.setDefaultLabels({ app: "chat" });
    expect(value(await register.metrics(), 'connections{app="chat"}')).toBe(1);
    register.setDefaultLabels({});
    // OpenMetrics writes counters without "_total" in the head.
    register.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
    const text = await register.metrics();
    expect(text).toContain("# TYPE express_session_stack_handshakes counter");
    expect(value(text, 'handshakes_total{status="101"}')).toBe(1);
    await served.wsSessions.metrics(register);
    expect((await register.getMetricsAsJSON()).map(({ name }) => name)).toHaveLength(23);
  });

  it("their buckets are cumulative, and the last one has all", async () => {
    const served = await measured();
    await signIn(served);
    const text = await served.scrape();
    const buckets = [...text.matchAll(/store_call_seconds_bucket\{le="([^"]+)",result="answered"\} (\d+)/g)];
    const counts = buckets.map(([, , count]) => Number(count));
    expect(buckets.map(([, le]) => le)).toEqual([
      "0.0001",
      "0.0005",
      "0.001",
      "0.005",
      "0.01",
      "0.05",
      "0.1",
      "0.5",
      "1",
      "2.5",
      "5",
      "+Inf",
    ]);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(counts.at(-1)).toBe(value(text, 'store_call_seconds_count{result="answered"}'));
    expect(value(text, 'store_call_seconds_sum{result="answered"}')).toBeGreaterThan(0);
  });

  it("an object that is not a register is a TypeError", async () => {
    const served = await serve();
    for (const wrong of [undefined, {}, "register"])
      await expect(served.wsSessions.metrics(wrong as never)).rejects.toThrow("metrics takes a register");
  });
});
