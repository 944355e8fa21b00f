import type { SessionData } from "express-session";
import { SessionWatch } from "../../lib/connections/session-watch.ts";
import { newCookie } from "../../lib/sessions/data/inflate-cookie.ts";
import { MemorySessionStore } from "../../lib/sessions/memory-session-store.ts";
import { NO_CONNECTIONS } from "../../lib/testing/session-store-suite/sessions.ts";

const TICK_MS = 500;

/** A real store that records the calls, and can wait or fail. */
class AskedStore extends MemorySessionStore {
  readonly asked: { sids: readonly string[] }[] = [];
  readonly ended: string[] = [];
  before: () => Promise<void> = async () => {};

  override async expiries(sids: readonly string[]): Promise<(number | undefined)[]> {
    this.asked.push({ sids });
    await this.before();
    return super.expiries(sids);
  }

  /** Stores a session with this life, and returns its expiry. */
  async add(sid: string, lifeMs: number): Promise<number> {
    const cookie = newCookie({ maxAge: lifeMs });
    const data = { cookie } as SessionData;
    await this.write(sid, { data, json: JSON.stringify(data) }, undefined);
    return Number(cookie.expires);
  }

  sidsAsked(): string[] {
    return this.asked.flatMap(({ sids }) => sids);
  }
}

let store: AskedStore;
const watches: SessionWatch[] = [];

/** Watches the sessions in `store`. It stops watching an announced session, as its connections do. */
function watching(revalidateMs: number): SessionWatch {
  const watch = new SessionWatch(store, revalidateMs);
  watches.push(watch);
  const end = (sid: string): number => {
    store.ended.push(sid);
    watch.unwatch(sid);
    return 1;
  };
  store.endings.hold({
    ...NO_CONNECTIONS,
    end,
  });
  return watch;
}

// The clock stands still between two ticks. A store in another process takes at least one turn.
beforeEach(() => {
  jest.useFakeTimers({ now: 1_700_000_000_250, doNotFake: ["setImmediate", "nextTick", "queueMicrotask"] });
  store = new AskedStore();
});

afterEach(() => {
  for (const watch of watches.splice(0)) watch.close();
  jest.useRealTimers();
});

const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

test("a session is read when it expires, and announced within a tick", async () => {
  const watch = watching(60_000);
  watch.watch("a", await store.add("a", 300));
  await pass(299);
  expect(store.sidsAsked()).toEqual([]);
  await pass(1 + TICK_MS);
  expect(store.ended).toEqual(["a"]);
  expect(store.sidsAsked()).toEqual(["a"]);
});

test("a session whose expiry has moved is read once, and stays watched", async () => {
  const watch = watching(60_000);
  watch.watch("a", await store.add("a", 300));
  await store.refresh("a", { cookie: newCookie({ maxAge: 2_000 }) } as SessionData);
  await pass(1_999);
  expect(store.sidsAsked()).toEqual(["a"]);
  expect(store.ended).toEqual([]);
  await pass(1 + TICK_MS);
  expect(store.ended).toEqual(["a"]);
  expect(store.sidsAsked()).toEqual(["a", "a"]);
});

test("only the sessions that are gone are announced, within revalidateMs", async () => {
  const watch = watching(2_000);
  for (const sid of ["a", "b", "c"]) watch.watch(sid, await store.add(sid, 60_000));
  await store.remove("b");
  await pass(2_000);
  expect(store.ended).toEqual(["b"]);
  await pass(2_000);
  expect(store.ended).toEqual(["b"]);
});

test("a session that never expires is read too", async () => {
  watching(2_000).watch("gone", Number.POSITIVE_INFINITY);
  await pass(1_000);
  expect(store.ended).toEqual([]);
  await pass(1_000);
  expect(store.ended).toEqual(["gone"]);
});

test("a session of unknown expiry is read with the next tick, and then when it expires", async () => {
  const watch = watching(60_000);
  await store.add("a", 4_000);
  watch.watch("a");
  await pass(TICK_MS);
  expect(store.sidsAsked()).toEqual(["a"]);
  await pass(4_000);
  expect(store.ended).toEqual(["a"]);
  expect(store.sidsAsked()).toEqual(["a", "a"]);
});

test("another connection of a session does not delay its check", async () => {
  const watch = watching(2_000);
  watch.watch("gone", Date.now() + 1_000);
  await pass(500);
  watch.watch("gone", Date.now() + 60_000);
  await pass(1_000);
  expect(store.ended).toEqual(["gone"]);
});

test("nothing is announced while the store fails, and the next tick reads again", async () => {
  const watch = watching(100);
  let failures = 2;
  store.before = async () => {
    if (failures-- > 0) throw new Error("down");
  };
  watch.watch("gone");
  for (const asked of [1, 2]) {
    await pass(TICK_MS);
    expect(store.asked).toHaveLength(asked);
    expect(store.ended).toEqual([]);
  }
  await pass(TICK_MS);
  expect(store.ended).toEqual(["gone"]);
});

test("a session that is unwatched during the read is not announced", async () => {
  const watch = watching(100);
  const { promise, resolve } = answerLater();
  store.before = () => promise;
  watch.watch("a");
  watch.watch("b");
  await pass(TICK_MS);
  expect(store.sidsAsked()).toEqual(["a", "b"]);
  watch.unwatch("a");
  resolve();
  await pass(0);
  expect(store.ended).toEqual(["b"]);
});

test("many sessions are read in batches, each once", async () => {
  const watch = watching(100);
  const sids = Array.from({ length: 1_200 }, (_, at) => `s${at}`);
  for (const sid of sids) watch.watch(sid);
  await pass(3 * TICK_MS);
  expect(store.asked.map((batch) => batch.sids.length)).toEqual([500, 500, 200]);
  expect(store.ended).toEqual(sids);
});

// Once, each such moment left one more timer behind, and all timers read the same sessions.
test("sessions that come and go during a read do not cause more reads", async () => {
  const watch = watching(1);
  await store.add("a", 60_000);
  for (let cycle = 1; cycle <= 3; cycle++) {
    const { promise, resolve } = answerLater();
    store.before = () => promise;
    watch.watch("a");
    await pass(TICK_MS);
    expect(store.asked).toHaveLength(cycle);
    watch.unwatch("a");
    watch.watch("a");
    await pass(3 * TICK_MS);
    expect(store.asked).toHaveLength(cycle);
    store.before = networkTrip;
    resolve();
    await pass(0);
  }
  store.asked.length = 0;
  for (const asked of [1, 2, 3]) {
    await pass(TICK_MS);
    expect(store.asked).toHaveLength(asked);
  }
});

function answerLater(): { promise: Promise<void>; resolve(): void } {
  let resolve = () => {};
  const promise = new Promise<void>((answer) => {
    resolve = answer;
  });
  return { promise, resolve };
}

/** The least time that a store in another process takes. */
function networkTrip(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test("a clock that is set back delays no check", async () => {
  const watch = watching(2_000);
  watch.watch("gone", Number.POSITIVE_INFINITY);
  await pass(500);
  jest.setSystemTime(Date.now() - 3_600_000);
  await pass(2_500);
  expect(store.ended).toEqual(["gone"]);
  await store.add("a", 60_000);
  watch.watch("a", Number.POSITIVE_INFINITY);
  store.asked.length = 0;
  await pass(2_500);
  expect(store.sidsAsked()).toEqual(["a"]);
});

test("a session that is requested while an older answer is under way is read with the next tick", async () => {
  const watch = watching(60_000);
  await store.add("a", 60_000);
  watch.watch("a");
  const { promise, resolve } = answerLater();
  store.before = () => promise;
  await pass(TICK_MS);
  watch.revalidateAll();
  resolve();
  store.before = async () => {};
  await pass(2 * TICK_MS);
  expect(store.sidsAsked()).toEqual(["a", "a"]);
});

test("the store is not read after close, nor while no session is watched", async () => {
  const watch = watching(1);
  watch.watch("a");
  watch.unwatch("a");
  expect(jest.getTimerCount()).toBe(0);
  const other = watching(1);
  other.watch("b");
  other.close();
  await pass(3 * TICK_MS);
  expect(store.asked).toEqual([]);
  // Another watch reads these sessions, which shows that the clock moves.
  watching(1).watch("c");
  await pass(TICK_MS);
  expect(store.sidsAsked()).toEqual(["c"]);
});
