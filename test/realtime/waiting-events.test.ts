import { messages } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { ask, connect, gate, send, serve } from "./support.ts";

test("more than 1,000 waiting events pause the reading, and all are handled in order at the end", async () => {
  const { opened, open: letGo } = gate();
  const handled: number[] = [];
  const served = await serve({
    realtime: { maxMessagesPerSecond: 1_000_000, maxBytesPerSecond: Number.POSITIVE_INFINITY },
    setUp: (chat) =>
      chat.on("count", async (_, { at }) => {
        if (handled.push(at) === 1) await opened;
      }),
  });
  const { ws, line } = await connect(served, "ada");
  const other = await connect(served, "grace");
  const filler = "x".repeat(1_000);
  const total = 20_000;
  for (let at = 0; at < total; at++) send(ws, "count", { at, filler });
  await eventually(() => expect(line.ws.isPaused).toBe(true));
  await ask(other.ws, "echo");
  // Data that the server does not read stays with the client.
  await eventually(() => expect(ws.bufferedAmount).toBeGreaterThan(1_000_000));
  expect(handled).toEqual([0]);
  letGo();
  expect(await ask(ws, "echo")).toMatchObject({ status: "success" });
  expect(handled).toEqual(Array.from({ length: total }, (_, at) => at));
  expect(line.ws.isPaused).toBe(false);
});

test("256 KiB of waiting events pause the reading too, however few they are", async () => {
  const { opened, open: letGo } = gate();
  let handled = 0;
  const served = await serve({
    realtime: { maxBytesPerSecond: 10_000_000 },
    setUp: (chat) =>
      chat.on("wait", async () => {
        handled++;
        await opened;
      }),
  });
  const { ws, line } = await connect(served, "ada");
  const filler = "x".repeat(60_000);
  for (let at = 0; at < 50; at++) send(ws, "wait", { filler });
  await eventually(() => expect(line.ws.isPaused).toBe(true));
  expect(served.chat.stats().messagesIn).toBeLessThan(20);
  letGo();
  expect(await ask(ws, "echo")).toMatchObject({ status: "success" });
  expect(handled).toBe(50);
});

test("a connection that waits for its handler does not count as inactive, and is read again afterwards", async () => {
  const { opened, open: letGo } = gate();
  const clock = new FakeClock();
  const served = await serve({
    realtime: { maxMessagesPerSecond: 10_000, handlerTimeoutMs: 1_000_000, clock },
    setUp: (chat) => chat.on("wait", () => opened),
  });
  const { ws, line } = await connect(served, "ada");
  for (let at = 0; at < 1_500; at++) send(ws, "wait");
  await eventually(() => expect(line.ws.isPaused).toBe(true));
  await clock.advance(300_000);
  expect(messages(ws).closed).toBeUndefined();
  // Other nodes do not count it as inactive either: a new device would sweep a connection that was silent for so long.
  await connect(served, "ada");
  expect(await served.chat.activeSessions("ada")).toMatchObject([{ id: line.id, lastSeen: clock.now() }, {}]);
  letGo();
  expect(await ask(ws, "echo")).toMatchObject({ status: "success" });
});

test("a connection whose handler never ends is forgotten when its line has dropped, although it is not read", async () => {
  const clock = new FakeClock();
  const served = await serve({
    realtime: {
      maxMessagesPerSecond: 1_000_000,
      maxBytesPerSecond: Number.POSITIVE_INFINITY,
      handlerTimeoutMs: 1_000_000,
      clock,
    },
    setUp: (chat) => chat.on("wait", () => new Promise(() => {})),
  });
  const { ws, line } = await connect(served, "ada");
  // More than the server reads ahead, so the server does not see the end of the line.
  const filler = "x".repeat(1_000);
  for (let at = 0; at < 20_000; at++) send(ws, "wait", { filler });
  await eventually(() => expect(line.ws.isPaused).toBe(true));
  ws.terminate();
  await eventually(async () => {
    await clock.advance(30_000);
    expect(served.wsSessions.connections.size).toBe(0);
  });
  expect(await served.chat.activeSessions("ada")).toEqual([]);
});
