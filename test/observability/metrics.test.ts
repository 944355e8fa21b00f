import { Registry } from "prom-client";
import type { WebSocket } from "ws";
import { realtime } from "../../lib/index.ts";
import { closed, nextMessage } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { redisPlace } from "../websocket/places.ts";
import { afterThisTest, type Served, serve, signIn } from "../websocket/support.ts";

/** Serves an app with realtime, and a register that has its figures. */
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

/** The value of one line of what a scrape gives. */
function value(text: string, name: string): number | undefined {
  const line = text.split("\n").find((each) => each.startsWith(`express_session_stack_${name} `));
  return line === undefined ? undefined : Number(line.split(" ").at(-1));
}

function echo(ws: WebSocket): void {
  ws.send(JSON.stringify({ event_type: "echo", data: { text: "x".repeat(100) } }));
}

describe("figures of a node", () => {
  it("count handshakes, connections, messages and closes, for stats() and for a scrape alike", async () => {
    const served = await measured();
    const browser = await signIn(served);
    const ws = await browser.webSocket("/ws");
    await expect(served.browser().webSocket("/elsewhere")).rejects.toThrow("404");
    echo(ws);
    await nextMessage(ws);

    expect(served.wsSessions.stats()).toEqual({
      connections: 1,
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

  it("count closes by codes that are known, whatever a client sends", async () => {
    const served = await measured();
    const browser = await signIn(served);
    for (const code of [1001, 3000, 3001, 4000, 4008, 4999]) (await browser.webSocket("/ws")).close(code);
    await eventually(() => {
      expect(served.wsSessions.stats().closes).toEqual({ "1001": 1, "4008": 1, other: 4 });
    });
  });

  it("time how long a revocation takes to close connections", async () => {
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

  it("tell who was closed for what it did", async () => {
    const served = await measured();
    const ws = await (await signIn(served)).webSocket("/ws");
    for (let n = 0; n < 10; n++) echo(ws);
    expect((await closed(ws)).code).toBe(4029);
    expect(served.chat.stats()).toMatchObject({ rateLimited: 1, slowConsumers: 0, inactive: 0 });
    expect(value(await served.scrape(), "slow_consumers_total")).toBe(0);
  });

  it("are counted twice by nobody, when scraped twice", async () => {
    const served = await measured();
    await (await signIn(served)).webSocket("/ws");
    await served.scrape();
    expect(value(await served.scrape(), 'handshakes_total{status="101"}')).toBe(1);
  });
});
