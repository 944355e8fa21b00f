import type { SessionData } from "express-session";
import { SessionWatch } from "../../lib/connections/session-watch.ts";
import { newCookie } from "../../lib/sessions/data/inflate-cookie.ts";
import { MemorySessionStore } from "../../lib/sessions/memory-session-store.ts";
import { gate } from "../users/support.ts";

const TICK_MS = 500;

/** A look at all sessions resolves when the store has answered for each. No other look resolves it. */
describe("a look at all sessions", () => {
  let store: MemorySessionStore;
  let watch: SessionWatch;
  let asked: number;
  let before: () => Promise<void>;

  beforeEach(async () => {
    jest.useFakeTimers({ now: 1_700_000_000_250, doNotFake: ["setImmediate", "nextTick", "queueMicrotask"] });
    store = new MemorySessionStore();
    asked = 0;
    before = async () => {};
    const { expiries } = store;
    store.expiries = async (sids) => {
      asked++;
      await before();
      return expiries.call(store, sids);
    };
    const data = { cookie: newCookie({ maxAge: 60_000 }) } as SessionData;
    await store.write("a", { data, json: JSON.stringify(data) }, undefined);
    watch = new SessionWatch(store, 60_000);
    watch.watch("a", Number.POSITIVE_INFINITY);
  });

  afterEach(() => {
    watch.close();
    jest.useRealTimers();
  });

  /** Begins a look. */
  function look(): { isDone: boolean } {
    const looked = { isDone: false };
    void watch.revalidateAll().then(() => {
      looked.isDone = true;
    });
    return looked;
  }

  async function pass(ms: number): Promise<void> {
    await jest.advanceTimersByTimeAsync(ms);
    await new Promise((resolve) => setImmediate(resolve));
  }

  test("resolves after the store has answered", async () => {
    const looked = look();
    await pass(10);
    expect(looked.isDone).toBe(false);
    await pass(TICK_MS);
    expect([looked.isDone, asked]).toEqual([true, 1]);
  });

  test("is not resolved by an early timer that has read nothing", async () => {
    const looked = look();
    jest.setSystemTime(Date.now() - 1);
    await pass(250);
    expect([looked.isDone, asked]).toEqual([false, 0]);
    await pass(TICK_MS);
    expect([looked.isDone, asked]).toEqual([true, 1]);
  });

  test("resolves only when a store that failed answers again", async () => {
    before = () => Promise.reject(new Error("down"));
    const looked = look();
    await pass(3 * TICK_MS);
    expect(looked.isDone).toBe(false);
    before = async () => {};
    await pass(2 * TICK_MS);
    expect(looked.isDone).toBe(true);
  });

  test("that is requested during another one is a separate look", async () => {
    const { opened, open } = gate();
    before = () => opened;
    const first = look();
    await pass(TICK_MS);
    const second = look();
    before = async () => {};
    open();
    await pass(10);
    expect([first.isDone, second.isDone]).toEqual([true, false]);
    await pass(2 * TICK_MS);
    expect([second.isDone, asked]).toEqual([true, 2]);
  });

  test("resolves when no session is watched any more", async () => {
    const looked = look();
    watch.unwatch("a");
    await pass(10);
    expect(looked.isDone).toBe(true);
  });
});
