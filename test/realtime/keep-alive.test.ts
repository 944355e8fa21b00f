import { setTimeout as delay } from "node:timers/promises";
import type { WebSocket } from "ws";
import type { Backend, Connection, RealtimeOptions } from "../../lib/index.ts";
import type { RealtimeConnection } from "../../lib/realtime/realtime-connection.ts";
import { closed, messages } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { beforeNext } from "../users/support.ts";
import { gate, next, open, places, type Served, serve, sidOf, signIn } from "./support.ts";

const LIFE_MS = 3_600_000;
const TICK_MS = 1_000;
const beat = '{"event_type":"session.heartbeat"}';

describe.each(places)("keepAlive on $place", ({ open: openPlace }) => {
  let backend: Backend;
  let clock: FakeClock;
  let refreshes: string[];

  beforeEach(async () => {
    clock = new FakeClock();
    backend = await openPlace();
    refreshes = [];
    const refresh = backend.sessions.refresh.bind(backend.sessions);
    backend.sessions.refresh = (sid, session) => {
      refreshes.push(sid);
      return refresh(sid, session);
    };
  });

  async function serveFor(keepAlive: RealtimeOptions["keepAlive"] | undefined, touchAfterMs = 60_000) {
    return serve({
      backend,
      session: { cookie: { maxAge: LIFE_MS }, touchAfterMs },
      realtime: { clock, pingIntervalMs: 0, ...(keepAlive ? { keepAlive } : {}) },
    });
  }

  /** Shortens the remaining life of a session, as if it had not been touched for a while. */
  async function shorten(sid: string, lifeMs = 100_000): Promise<void> {
    const cookie = { originalMaxAge: lifeMs, expires: new Date(Date.now() + lifeMs) };
    await backend.sessions.refresh(sid, { cookie } as never);
    refreshes.splice(0);
  }

  async function remainingMs(sid: string): Promise<number> {
    const [expiresAt = 0] = await backend.sessions.expiries([sid]);
    return expiresAt - Date.now();
  }

  async function heard(ws: WebSocket, line: Connection, message: string | Buffer): Promise<void> {
    await clock.advance(1);
    ws.send(message);
    await eventually(() => expect(line.lastSeen).toBe(clock.now()));
  }

  /** Runs a tick, and returns the calls of the backend during it. */
  async function tick(): Promise<void> {
    await clock.advance(TICK_MS);
    for (let call = 0; call < 10; call++) await backend.sessions.expiries(["none"]);
  }

  async function sharedSession(served: Served, tabs: number) {
    const browser = await signIn(served);
    const lines: { ws: WebSocket; line: Connection }[] = [];
    for (let tab = 0; tab < tabs; tab++) lines.push(await open(served, browser));
    await tick();
    await shorten(sidOf(browser));
    return { browser, sid: sidOf(browser), lines, ...(lines[0] as (typeof lines)[0]) };
  }

  const kinds: [what: string, message: string | Buffer][] = [
    ["a heartbeat", beat],
    ["the answer to one", '{"status":"success"}'],
    ["an event", '{"event_type":"echo"}'],
    ["what is wrong", "{"],
    ["a binary frame", Buffer.from("a")],
  ];

  test.each([
    [undefined, ["a heartbeat", "the answer to one"]],
    ["heartbeat" as const, ["a heartbeat", "the answer to one"]],
    ["message" as const, kinds.map(([what]) => what)],
    ["none" as const, []],
  ])("%s: only %j keep the session alive", async (keepAlive, moving) => {
    const served = await serveFor(keepAlive, 0);
    const { ws, line, sid } = await sharedSession(served, 1);
    for (const [what, message] of kinds) {
      await shorten(sid);
      await heard(ws, line, message);
      await tick();
      const remaining = await remainingMs(sid);
      expect([what, remaining > 200_000]).toEqual([what, moving.some((name) => name === what)]);
    }
  });

  test("touches a session once in touchAfterMs, however many connections are active", async () => {
    const served = await serveFor("heartbeat");
    const { lines, sid } = await sharedSession(served, 5);
    for (let round = 0; round < 10; round++) {
      for (const { ws, line } of lines) await heard(ws, line, beat);
      await tick();
    }
    expect(refreshes).toEqual([sid]);
    expect(await remainingMs(sid)).toBeGreaterThan(LIFE_MS - 60_000);
  });

  test("does not read a touched session again before it is due by the store's expiry", async () => {
    const served = await serveFor("heartbeat");
    const { ws, line, sid } = await sharedSession(served, 1);
    const { refresh } = backend.sessions;
    let movedAt = Number.POSITIVE_INFINITY;
    backend.sessions.refresh = async (...args) => {
      await delay(20);
      const isThere = await refresh(...args);
      movedAt = Date.now();
      return isThere;
    };
    await heard(ws, line, beat);
    await tick();
    await eventually(() =>
      expect((line as unknown as RealtimeConnection).touchAt).toBeGreaterThanOrEqual(movedAt + 60_000),
    );
    expect(refreshes).toEqual([sid]);
  });

  test("uses the current age of the session, not the age when the connection opened", async () => {
    const served = await serveFor("heartbeat", 0);
    const { ws, line, sid } = await sharedSession(served, 1);
    const stored = await backend.sessions.read(sid);
    const cookie = { ...stored?.data.cookie, originalMaxAge: 60_000, expires: new Date(Date.now() + 60_000) };
    const data = { ...stored?.data, cookie } as never;
    await backend.sessions.write(sid, { data, json: JSON.stringify(data) }, stored);
    await heard(ws, line, beat);
    await tick();
    expect(refreshes).toEqual([sid]);
    expect(await remainingMs(sid)).toBeLessThanOrEqual(60_000);
    expect(await remainingMs(sid)).toBeGreaterThan(50_000);
  });

  test("touches a session again after touchAfterMs", async () => {
    const served = await serveFor("heartbeat", 50);
    const { ws, line, sid } = await sharedSession(served, 1);
    await eventually(async () => {
      await heard(ws, line, beat);
      await tick();
      expect(refreshes.length).toBeGreaterThanOrEqual(2);
    });
    expect(new Set(refreshes)).toEqual(new Set([sid]));
  });

  test("continues when the clock of this node is set back", async () => {
    const served = await serveFor("heartbeat", 30);
    const { ws, line, sid } = await sharedSession(served, 1);
    await heard(ws, line, beat);
    await tick();
    refreshes.splice(0);
    // By the clock of the store, the session was touched a second ago.
    backend.sessions.expiries = async (sids) => sids.map(() => Date.now() + LIFE_MS - 1_000);
    const { now } = Date;
    const clockBack = jest.spyOn(Date, "now").mockImplementation(() => now() - 3 * LIFE_MS);
    try {
      await heard(ws, line, beat);
      await clock.advance(TICK_MS);
      await eventually(() => expect(refreshes).toEqual([sid]));
    } finally {
      clockBack.mockRestore();
    }
  });

  test("does not touch a session that a request has just saved", async () => {
    const served = await serveFor("message");
    const browser = await signIn(served);
    const { ws, line } = await open(served, browser);
    refreshes.splice(0);
    for (let round = 0; round < 5; round++) {
      await heard(ws, line, beat);
      await tick();
    }
    expect(refreshes).toEqual([]);
  });

  test("also keeps sessions without a user alive", async () => {
    const served = await serveFor("heartbeat");
    const browser = served.browser();
    await browser.post("/set", { json: { cart: 1 } });
    const { ws, line } = await open(served, browser);
    await shorten(sidOf(browser));
    await heard(ws, line, beat);
    await tick();
    await eventually(async () => expect(await remainingMs(sidOf(browser))).toBeGreaterThan(LIFE_MS / 2));
  });

  test("finds a session that ended unnoticed, and closes its connections", async () => {
    const served = await serveFor("heartbeat");
    const { lines, sid, ws, line } = await sharedSession(served, 3);
    const other = await open(served, await signIn(served, "grace"));
    await backend.sessions.remove(sid);
    await heard(ws, line, beat);
    await clock.advance(TICK_MS);
    for (const tab of lines) expect(await closed(tab.ws)).toEqual({ code: 4501, reason: "session_ended" });
    other.ws.send(beat);
    expect(await next(other.ws)).toEqual({ status: "success" });
  });

  test("also finds a session that ends between the read and the touch", async () => {
    const served = await serveFor("heartbeat");
    const { sid, ws, line } = await sharedSession(served, 1);
    beforeNext(backend.sessions, "refresh", () => backend.sessions.remove(sid));
    await heard(ws, line, beat);
    await clock.advance(TICK_MS);
    expect(await closed(ws)).toEqual({ code: 4501, reason: "session_ended" });
    expect(await backend.sessions.read(sid)).toBeUndefined();
  });

  test("a failing store is reported and asked again, and no connection closes", async () => {
    const served = await serveFor("heartbeat");
    const { sid, ws, line } = await sharedSession(served, 1);
    for (const method of ["expiries", "refresh"] as const) {
      beforeNext(backend.sessions, method, () => Promise.reject(new Error("down")));
      await heard(ws, line, beat);
      await clock.advance(TICK_MS);
      await eventually(() => expect([...served.errors, ...served.failures]).toHaveLength(1));
      served.errors.splice(0);
      served.failures.splice(0);
    }
    expect(messages(ws).closed).toBeUndefined();
    expect(sid).toBe(line.sid);
  });

  // Once, activity during a tick was forgotten at its end.
  test("activity while a tick waits for the backend counts with the next tick", async () => {
    const served = await serveFor("heartbeat");
    const { sid, ws, line } = await sharedSession(served, 1);
    const { opened, open: letGo } = gate();
    let isAsked = false;
    beforeNext(backend.registry, "saw", () => {
      isAsked = true;
      return opened;
    });
    await heard(ws, line, '{"event_type":"echo"}');
    await clock.advance(TICK_MS);
    await eventually(() => expect(isAsked).toBe(true));
    await heard(ws, line, beat);
    letGo();
    await tick();
    await tick();
    await eventually(async () => expect(await remainingMs(sid)).toBeGreaterThan(LIFE_MS / 2));
  });
});
