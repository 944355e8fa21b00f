import { once } from "node:events";
import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import { eventually } from "../support/eventually.ts";
import { rawSocket } from "../support/raw-socket.ts";
import { cookieOf, handshake } from "../websocket/raw-handshake.ts";
import { afterThisTest, connect, countOf, next, type Served, serve, signIn } from "./support.ts";

describe("a client that does not read its messages", () => {
  const text = "x".repeat(10_000);
  let served: Served;
  let slow: Socket;
  let reader: WebSocket;

  beforeEach(async () => {
    served = await serve({ realtime: { maxBufferedBytes: 200_000, maxMessagesPerSecond: 10_000 } });
    const browser = await signIn(served, "ada");
    slow = await rawSocket(served.port);
    afterThisTest(() => slow.destroy());
    slow.pause();
    slow.write(handshake("/ws", cookieOf(browser)));
    await eventually(() => expect(served.connections).toHaveLength(1));
    ({ ws: reader } = await connect(served, "grace"));
    for (const user of ["ada", "grace"]) await served.chat.join(user, "all");
  });

  test("is closed with 4013, its kept messages are bounded, and others receive everything", async () => {
    const { ws } = served.connections[0] as Served["connections"][0];
    let most = 0;
    let sent = 0;
    for (; ws.readyState === ws.OPEN; sent++) {
      await served.chat.group("all").send("news", { at: sent, text });
      await new Promise(setImmediate);
      most = Math.max(most, ws.bufferedAmount);
      expect(sent).toBeLessThan(5_000);
    }
    expect(most).toBeLessThan(200_000 + 2 * 10_100);
    for (let after = 0; after < 100; after++, sent++) {
      await served.chat.group("all").send("news", { at: sent, text });
    }
    expect(ws.bufferedAmount).toBeLessThanOrEqual(most + 100);
    for (let at = 0; at < sent; at++) expect(await next(reader)).toMatchObject({ data: { at } });
    await eventually(() => expect(served.closings).toHaveLength(1));
    expect(served.closings[0]?.closed).toEqual({ code: 4013, reason: "slow_consumer" });
    expect(await served.chat.activeSessions("ada")).toEqual([]);
    await eventually(() => expect(served.wsSessions.connections.size).toBe(1));
    expect(served.wsSessions.stats().closes).toEqual({ "4013": 1 });
  });

  test("receives the close code if it reads after all", async () => {
    // Its line is cut a second after the close. It may not have read everything by then.
    const set = setTimeout;
    const cutLate = (step: () => void, ms?: number) => set(step, ms === 1_000 ? 30_000 : ms);
    const timers = jest.spyOn(globalThis, "setTimeout").mockImplementation(cutLate as typeof setTimeout);
    afterThisTest(() => timers.mockRestore());
    const [line] = served.connections as [Served["connections"][0]];
    while (line.ws.readyState === line.ws.OPEN) {
      line.send("news", { text });
      await new Promise(setImmediate);
    }
    let tail = Buffer.alloc(0);
    slow.on("data", (bytes: Buffer) => {
      tail = Buffer.concat([tail, bytes]).subarray(-100);
    });
    slow.resume();
    // Answers the close, after which the server ends the line.
    slow.write(Buffer.from([0x88, 0x80, 0, 0, 0, 0]));
    await once(slow, "close");
    const frame = tail.subarray(-("slow_consumer".length + 4));
    expect([frame[0], frame.readUInt16BE(2), frame.subarray(4).toString()]).toEqual([
      0x88,
      4013,
      "slow_consumer",
    ]);
  });

  test("delays nobody else, and a burst that it reads does not close it", async () => {
    const before = countOf(reader);
    const { line } = await connect(served, "edith");
    for (let at = 0; at < 15; at++) line.send("news", { at, text });
    expect(served.closings).toEqual([]);
    await served.chat.user("grace").send("hello");
    await eventually(() => expect(countOf(reader)).toBe(before + 1));
  });
});
