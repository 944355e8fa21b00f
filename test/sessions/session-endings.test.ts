import { type ConnectionHolder, type EndReason, SessionEndings } from "../../lib/sessions/session-endings.ts";
import { sessionData } from "../../lib/testing/session-store-suite/sessions.ts";

/** Holds numbers of connections by session, and tells what it was asked to end. */
class Holder implements ConnectionHolder {
  readonly ended: [sid: string, reason: EndReason][] = [];
  readonly #counts: Record<string, number>;

  constructor(counts: Record<string, number> = {}) {
    this.#counts = counts;
  }

  end(sid: string, reason: EndReason): number {
    this.ended.push([sid, reason]);
    return this.count(sid);
  }

  count(sid: string): number {
    return this.#counts[sid] ?? 0;
  }

  revalidate(): void {}

  sidsOf(): string[] {
    return [];
  }

  revalidateAll(): void {}

  sidOf(digest: string): string | undefined {
    return Object.keys(this.#counts).find((sid) => `digest of ${sid}` === digest);
  }
}

describe("SessionEndings", () => {
  let endings: SessionEndings;

  beforeEach(() => {
    endings = new SessionEndings();
  });

  it("has no connections and closes none without holders", async () => {
    expect(endings.count("a")).toBe(0);
    expect(endings.close("a", "session_ended")).toBe(0);
    await endings.announce({ sid: "a", reason: "session_ended" });
  });

  it("counts and closes the connections of all holders, with the reason", () => {
    const holders = [new Holder({ a: 2, b: 5 }), new Holder({ a: 3 }), new Holder()];
    for (const holder of holders) endings.hold(holder);
    expect([endings.count("a"), endings.count("b"), endings.count("c")]).toEqual([5, 5, 0]);
    expect(endings.close("a", "session_replaced")).toBe(5);
    for (const holder of holders) expect(holder.ended).toEqual([["a", "session_replaced"]]);
  });

  it("forgets a holder that was released, and keeps the others", () => {
    const [first, second] = [new Holder({ a: 1 }), new Holder({ a: 2 })];
    const letGo = endings.hold(first);
    endings.hold(second);
    letGo();
    letGo();
    expect([endings.count("a"), endings.close("a", "session_ended")]).toEqual([2, 2]);
    expect([first.ended, second.ended]).toEqual([[], [["a", "session_ended"]]]);
  });

  it("holds a holder once, however often it is added, and again after it was released", () => {
    const holder = new Holder({ a: 1 });
    const letGo = endings.hold(holder);
    endings.hold(holder);
    expect(endings.count("a")).toBe(1);
    letGo();
    expect(endings.count("a")).toBe(0);
    endings.hold(holder);
    expect(endings.count("a")).toBe(1);
  });

  it("handles a holder that releases itself while it closes, and one that is added meanwhile", () => {
    const ended: string[] = [];
    const letGo = endings.hold({
      count: () => 1,
      sidOf: () => undefined,
      sidsOf: () => [],
      revalidate() {},
      revalidateAll() {},
      end() {
        ended.push("leaving");
        letGo();
        return 1;
      },
    });
    endings.hold({
      count: () => 1,
      sidOf: () => undefined,
      sidsOf: () => [],
      revalidate() {},
      revalidateAll() {},
      end: () => ended.push("staying"),
    });
    endings.close("a", "session_ended");
    endings.close("a", "session_ended");
    expect(ended).toEqual(["leaving", "staying", "staying"]);
  });

  it("closes the connections of a session that was found gone, and tells no listener", () => {
    const holder = new Holder({ a: 1 });
    endings.hold(holder);
    const heard: unknown[] = [];
    endings.onEnding((ending) => heard.push(ending));
    expect(endings.close("a", "session_ended")).toBe(1);
    expect(heard).toEqual([]);
  });

  it("closes at once, and passes the same ending to every listener", async () => {
    const holder = new Holder({ a: 1 });
    endings.hold(holder);
    const heard: unknown[] = [];
    endings.onEnding((ending) => heard.push(ending));
    endings.onEnding((ending) => heard.push(ending));
    const ending = { sid: "a", reason: "session_ended", data: sessionData({ n: 1 }) } as const;
    const announcing = endings.announce(ending);
    expect(holder.ended).toEqual([["a", "session_ended"]]);
    await announcing;
    expect(heard).toEqual([ending, ending]);
  });

  it("has closed the connections before it tells the first listener", async () => {
    const order: string[] = [];
    endings.onEnding(() => order.push("told"));
    endings.hold({
      count: () => 1,
      sidOf: () => undefined,
      sidsOf: () => [],
      revalidate() {},
      revalidateAll() {},
      end: () => order.push("closed"),
    });
    await endings.announce({ sid: "a", reason: "session_ended" });
    expect(order).toEqual(["closed", "told"]);
  });

  it("resolves an announcement when the slowest listener is done, and tells all listeners at once", async () => {
    const done: string[] = [];
    const started: string[] = [];
    const open: (() => void)[] = [];
    for (const name of ["first", "second"]) {
      endings.onEnding(async () => {
        started.push(name);
        await new Promise<void>((resolve) => open.push(resolve));
        done.push(name);
      });
    }
    const announcing = endings.announce({ sid: "a", reason: "session_ended" }).then(() => done.push("all"));
    expect(started).toEqual(["first", "second"]);
    open[1]?.();
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(done).toEqual(["second"]);
    open[0]?.();
    await announcing;
    expect(done).toEqual(["second", "first", "all"]);
  });

  it("rejects an announcement with the error of a listener, after it has closed and told the others", async () => {
    const error = new Error("no index");
    const holder = new Holder({ a: 1 });
    const heard: string[] = [];
    endings.hold(holder);
    endings.onEnding(() => heard.push("before"));
    endings.onEnding(async () => {
      throw error;
    });
    endings.onEnding(() => heard.push("after"));
    await expect(endings.announce({ sid: "a", reason: "session_ended" })).rejects.toBe(error);
    expect(heard).toEqual(["before", "after"]);
    expect(holder.ended).toHaveLength(1);
  });

  it("tells the others even when a listener throws", async () => {
    const error = new Error("no index");
    const heard: string[] = [];
    endings.onEnding(() => {
      throw error;
    });
    endings.onEnding(() => heard.push("after"));
    await expect(endings.announce({ sid: "a", reason: "session_ended" })).rejects.toBe(error);
    expect(heard).toEqual(["after"]);
  });
});
