import type { SessionData } from "express-session";
import { SessionWatch } from "../../lib/connections/session-watch.ts";
import { newCookie } from "../../lib/sessions/inflate-cookie.ts";
import { MemorySessionStore } from "../../lib/sessions/memory-session-store.ts";
import { eventually } from "../support/eventually.ts";

const TICK_MS = 500;

/** A real store that tells what it is asked, and can be made to wait or fail. */
class AskedStore extends MemorySessionStore {
  readonly asked: { sids: readonly string[]; tick: number }[] = [];
  readonly ended: string[] = [];
  before: () => Promise<void> = async () => {};

  constructor() {
    super();
    this.endings.hold({ end: (sid) => this.ended.push(sid), count: () => 0 });
  }

  override async expiries(sids: readonly string[]): Promise<(number | undefined)[]> {
    this.asked.push({ sids, tick: Math.floor(Date.now() / TICK_MS) });
    await this.before();
    return super.expiries(sids);
  }

  /** Stores a session that lives so long, and gives when it expires. */
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

const watches: SessionWatch[] = [];

/** A store of its own for each test, since they run at the same time, and what watches it. */
function watched(revalidateMs: number): { store: AskedStore; watch: SessionWatch } {
  const store = new AskedStore();
  const watch = new SessionWatch(store, revalidateMs);
  watches.push(watch);
  return { store, watch };
}

afterAll(() => {
  for (const watch of watches) watch.close();
});

test.concurrent("a session is asked for when it expires, and announced within a second", async () => {
  const { store, watch } = watched(60_000);
  const expiresAt = await store.add("a", 300);
  watch.watch("a", expiresAt);
  await eventually(() => expect(store.ended).toEqual(["a"]));
  expect(Date.now() - expiresAt).toBeLessThan(1000);
  expect(store.sidsAsked()).toEqual(["a"]);
});

test.concurrent("one whose expiry has moved meanwhile is asked for once, and watched on", async () => {
  const { store, watch } = watched(60_000);
  const expiresAt = await store.add("a", 300);
  watch.watch("a", expiresAt);
  await store.refresh("a", { cookie: newCookie({ maxAge: 1_000 }) } as SessionData);
  await eventually(() => expect(store.sidsAsked()).toEqual(["a"]));
  expect(store.ended).toEqual([]);
  await eventually(() => expect(store.ended).toEqual(["a"]));
  expect(store.sidsAsked()).toEqual(["a", "a"]);
});

test.concurrent("one that is gone is announced within revalidateMs, the others are not", async () => {
  const { store, watch } = watched(100);
  for (const sid of ["a", "b", "c"]) watch.watch(sid, await store.add(sid, 60_000));
  await store.remove("b", "session_ended");
  store.ended.length = 0;
  await eventually(() => expect(store.ended).toContain("b"));
  expect(new Set(store.ended)).toEqual(new Set(["b"]));
});

test.concurrent("one that never expires is asked for too", async () => {
  const { store, watch } = watched(100);
  watch.watch("gone");
  await eventually(() => expect(store.ended).toContain("gone"));
});

test.concurrent("while the store fails nothing is announced, and it is asked again with the next tick", async () => {
  const { store, watch } = watched(100);
  let failures = 2;
  store.before = async () => {
    if (failures-- > 0) throw new Error("down");
    expect(store.ended).toEqual([]);
  };
  watch.watch("gone");
  await eventually(() => expect(store.ended).toEqual(["gone"]));
  const ticks = store.asked.slice(0, 3).map(({ tick }) => tick);
  expect(ticks.map((tick) => tick - (ticks[0] as number))).toEqual([0, 1, 2]);
});

test.concurrent("one that was let go while the store was asked is not announced", async () => {
  const { store, watch } = watched(100);
  let answer: () => void = () => {};
  store.before = () =>
    new Promise((resolve) => {
      answer = resolve;
    });
  watch.watch("a");
  watch.watch("b");
  await eventually(() => expect(store.asked).toHaveLength(1));
  watch.unwatch("a");
  answer();
  await eventually(() => expect(store.ended).toEqual(["b"]));
});

test.concurrent("many are asked for in batches, each once", async () => {
  const { store, watch } = watched(100);
  const sids = Array.from({ length: 1_200 }, (_, at) => `s${at}`);
  for (const sid of sids) watch.watch(sid);
  await eventually(() => expect(store.ended).toHaveLength(1_200));
  expect(store.asked.slice(0, 3).map((batch) => batch.sids.length)).toEqual([500, 500, 200]);
  expect(new Set(store.ended)).toEqual(new Set(sids));
});

// Each such moment once left one more timer behind, all of which asked for the same.
test.concurrent("sessions that come and go while the store is asked do not make it ask more often", async () => {
  const { store, watch } = watched(1);
  await store.add("a", 60_000);
  for (let cycle = 1; cycle <= 3; cycle++) {
    let answer: (() => void) | undefined;
    store.before = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    watch.watch("a");
    await eventually(() => expect(answer).toBeDefined());
    watch.unwatch("a");
    watch.watch("a");
    store.before = networkTrip;
    answer?.();
    await networkTrip();
  }
  store.asked.length = 0;
  await eventually(() => expect(new Set(store.asked.map(({ tick }) => tick)).size).toBe(3));
  const ticks = store.asked.map(({ tick }) => tick);
  expect(ticks).toEqual([...new Set(ticks)]);
});

/** As long as a store takes at least that is not in this process. */
function networkTrip(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test.concurrent("nothing is asked once it is closed, or once nobody is watched", async () => {
  const { store, watch } = watched(1);
  watch.watch("a");
  watch.unwatch("a");
  const other = new SessionWatch(store, 1);
  other.watch("b");
  other.close();
  // A third one shows that the time has passed.
  const third = new SessionWatch(store, 1);
  third.watch("c");
  await eventually(() => expect(store.ended).toEqual(["c"]));
  third.close();
  expect(store.sidsAsked()).toEqual(["c"]);
});
