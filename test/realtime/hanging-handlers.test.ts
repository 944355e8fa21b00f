import { setTimeout as wait } from "node:timers/promises";
import { closed, messages } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import {
  ask,
  connect,
  gate,
  next,
  places,
  refused,
  send,
  serve,
  sidOf,
  signIn,
  takeFailures,
} from "./support.ts";

const internalError = { code: 1011, reason: "internal_error" };
const never = () => new Promise<never>(() => {});
const overdue = (type: string) => `The handler of "${type}" did not end within 30000 ms.`;

// Once, such a handler blocked its connection for ever.
describe("a handler that does not end in time", () => {
  test.each([
    ["its event", { id: 1 }],
    ["also an event without an id", {}],
  ])("is answered with an error, %s, and the next event is handled", async (_what, id) => {
    const clock = new FakeClock();
    const served = await serve({ realtime: { clock }, setUp: (chat) => chat.on("hang", never) });
    const { ws, line } = await connect(served, "ada");
    ws.send(JSON.stringify({ event_type: "hang", ...id }));
    send(ws, "echo", { after: true }, 2);
    ws.send('{"event_type":"session.heartbeat"}');
    expect(await next(ws)).toEqual({ status: "success" });
    await clock.advance(29_000);
    expect(messages(ws).all).toHaveLength(2);
    await clock.advance(1_000);
    expect(await next(ws)).toEqual({ ...id, ...refused("handler_timeout") });
    expect(await next(ws)).toEqual({ id: 2, status: "success", data: { after: true } });
    expect(served.failures).toEqual([{ error: expect.any(Error), connection: line }]);
    expect(takeFailures(served)).toEqual([overdue("hang")]);
  });

  test("is answered once: its later result is dropped, and its later error is reported to the app", async () => {
    const clock = new FakeClock();
    const { opened, open } = gate();
    const served = await serve({
      realtime: { clock, handlerTimeoutMs: 2_000 },
      setUp: (chat) =>
        chat
          .on("late", () => opened)
          .on("wrong", () =>
            opened.then(() => {
              throw new Error("late trouble");
            }),
          ),
    });
    const { ws } = await connect(served, "ada");
    for (const type of ["late", "wrong"]) send(ws, type, {}, type);
    await ask(ws, "unknown");
    for (const id of ["late", "wrong"]) {
      await clock.advance(2_000);
      expect(await next(ws)).toEqual({ id, ...refused("handler_timeout") });
    }
    open();
    await eventually(() => expect(served.failures).toHaveLength(3));
    expect(takeFailures(served).at(-1)).toBe("late trouble");
    expect(await ask(ws, "echo")).toMatchObject({ status: "success" });
  });

  test("may also be a schema, which is answered with an error", async () => {
    const clock = new FakeClock();
    const schema = { "~standard": { version: 1, vendor: "test", validate: never } } as const;
    const served = await serve({ realtime: { clock }, setUp: (chat) => chat.on("check", schema, () => 1) });
    const { ws } = await connect(served, "ada");
    send(ws, "check", {}, 1);
    await clock.advance(0);
    await ask(ws, "unknown");
    await clock.advance(30_000);
    expect(await next(ws)).toEqual({ id: 1, ...refused("handler_timeout") });
    takeFailures(served);
  });

  test("closes its connection if it happens again and again, because handlers cannot be stopped", async () => {
    const clock = new FakeClock();
    let begun = 0;
    const served = await serve({
      realtime: { clock, inactivityThresholdSeconds: 10_000, pingIntervalMs: 0 },
      setUp: (chat) =>
        chat.on("hang", () => {
          begun++;
          return never();
        }),
    });
    const { ws } = await connect(served, "ada");
    for (let at = 0; at < 50; at++) send(ws, "hang");
    await ask(ws, "unknown");
    await eventually(async () => {
      await clock.advance(30_000);
      expect(messages(ws).closed).toEqual(internalError);
    });
    expect(begun).toBe(11);
    expect(takeFailures(served)).toHaveLength(11);
    expect(served.wsSessions.connections.size).toBe(0);
  });

  test("drops the waiting events of a client that has closed", async () => {
    const clock = new FakeClock();
    let handled = 0;
    const served = await serve({
      realtime: { clock },
      setUp: (chat) => chat.on("hang", never).on("count", () => ++handled),
    });
    const { ws } = await connect(served, "ada");
    send(ws, "hang");
    send(ws, "count");
    ws.close();
    await eventually(() => expect(served.closings).toHaveLength(1));
    expect(handled).toBe(0);
    await clock.advance(60_000);
    expect(handled).toBe(1);
    expect(takeFailures(served)).toEqual([overdue("hang")]);
  });
});

test("a connect listener that does not end in time closes its connection, and disconnect is emitted once", async () => {
  const clock = new FakeClock();
  const { opened, open } = gate();
  const served = await serve({
    realtime: { clock, inactivityThresholdSeconds: 10_000, pingIntervalMs: 0 },
    setUp: (chat) => chat.on("connect", () => opened),
  });
  const ws = await (await signIn(served)).webSocket("/ws");
  send(ws, "echo", {}, 1);
  await eventually(() => expect(served.connections).toHaveLength(1));
  await clock.advance(30_000);
  expect(await closed(ws)).toEqual(internalError);
  await eventually(() => expect(served.closings).toMatchObject([{ closed: internalError }]));
  open();
  await wait(20);
  expect(served.closings).toHaveLength(1);
  expect(takeFailures(served)).toEqual(['A listener of "connect" did not end within 30000 ms.']);
});

// Once, a line counted as active as long as it was not read.
describe.each(places)("a connection that is not read, on $place", ({ open: openPlace }) => {
  async function paused(clock: FakeClock) {
    const backend = await openPlace();
    const refreshes: string[] = [];
    const refresh = backend.sessions.refresh.bind(backend.sessions);
    const served = await serve({
      backend,
      session: { touchAfterMs: 0 },
      realtime: { clock, maxMessagesPerSecond: 10_000, handlerTimeoutMs: 1_000_000 },
      setUp: (chat) => chat.on("hang", never),
    });
    const browser = await signIn(served, "ada");
    const ws = await browser.webSocket("/ws");
    await ask(ws, "echo");
    const line = served.connections[0] as (typeof served.connections)[0];
    for (let at = 0; at < 1_500; at++) send(ws, "hang");
    await eventually(() => expect(line.ws.isPaused).toBe(true));
    backend.sessions.refresh = (sid, data) => {
      refreshes.push(sid);
      return refresh(sid, data);
    };
    return { served, ws, line, refreshes, sid: sidOf(browser) };
  }

  test("does not keep its session alive", async () => {
    const clock = new FakeClock();
    const { served, refreshes, line } = await paused(clock);
    await clock.advance(10_000);
    await eventually(async () =>
      expect(await served.chat.activeSessions("ada")).toMatchObject([{ lastSeen: line.lastSeen }]),
    );
    expect(refreshes).toEqual([]);
  });

  test("counts as active for five minutes, and is then closed as inactive", async () => {
    const clock = new FakeClock();
    const { served, ws } = await paused(clock);
    await clock.advance(299_000);
    expect(served.closings).toEqual([]);
    await clock.advance(59_000);
    expect(served.closings).toEqual([]);
    await clock.advance(3_000);
    ws.terminate();
    await eventually(() => expect(served.chat.stats()).toMatchObject({ inactive: 1, connections: 0 }));
    expect(await served.chat.activeSessions("ada")).toEqual([]);
  });
});
