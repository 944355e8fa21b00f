import { MemoryBus } from "../../lib/bus/memory-bus.ts";
import { Node } from "../../lib/bus/node/node.ts";
import { eventually } from "../support/eventually.ts";
import { TestBus } from "./test-bus.ts";

const leaseMs = 300;

/** How a `Node` joins, stays alive and leaves. */
describe("Node", () => {
  let shared: MemoryBus;
  let bus: TestBus;
  let node: Node;
  let asker: Node;
  let heard: unknown[];
  let gaps: number;

  beforeEach(() => {
    shared = new MemoryBus();
    bus = new TestBus(shared);
    node = new Node(bus, { leaseMs });
    asker = new Node(new TestBus(shared));
    heard = [];
    gaps = 0;
    node.answer("news", (text) => heard.push(text));
    node.onGap(() => gaps++);
  });

  afterEach(() => Promise.all([node.close(), asker.close()]));

  /** Waits for this many more renewals of the node's lease. */
  async function renewals(count: number): Promise<void> {
    const renewed = () => bus.calls.filter((call) => call === "renewLease").length;
    const before = renewed();
    await eventually(() => expect(renewed()).toBeGreaterThanOrEqual(before + count));
  }

  async function tellAndCount(): Promise<unknown[]> {
    await asker.tell("news", "hello");
    await asker.tell("news", "end");
    await eventually(() => expect(heard).toContain("end"));
    return heard;
  }

  describe("with a clock that stands still between two steps", () => {
    // Before the bus and the nodes are made, because they take the clock of that moment.
    beforeAll(() => void jest.useFakeTimers({ doNotFake: ["setImmediate", "nextTick", "queueMicrotask"] }));

    afterAll(() => void jest.useRealTimers());

    it("is alive from joining on, beyond its first lease", async () => {
      expect(await shared.liveNodes()).toEqual([]);
      await node.join();
      expect(await shared.liveNodes()).toEqual([node.id]);
      for (let passedMs = 0; passedMs < 4 * leaseMs; passedMs += 10) {
        await jest.advanceTimersByTimeAsync(10);
        expect(await shared.liveNodes()).toEqual([node.id]);
      }
      expect(gaps).toBe(0);
    });

    it("reports no gap while renewals fail for less than its lease", async () => {
      const renewals = () => bus.calls.filter((call) => call === "renewLease").length;
      await node.join();
      const before = renewals();
      bus.broken.add("renewLease");
      await jest.advanceTimersByTimeAsync(leaseMs / 3);
      expect(renewals()).toBe(before + 1);
      bus.broken.delete("renewLease");
      await jest.advanceTimersByTimeAsync(leaseMs);
      expect(renewals()).toBeGreaterThanOrEqual(before + 4);
      expect(gaps).toBe(0);
    });
  });

  it("is listed as alive only after it has subscribed", async () => {
    const subscribing = bus.hold("subscribe", "answer");
    const joining = node.join();
    await subscribing.arrived;
    expect(await shared.liveNodes()).toEqual([]);
    subscribing.release();
    await joining;
    expect(await shared.liveNodes()).toEqual([node.id]);
  });

  it("joins once, however often join is called, and receives each message once", async () => {
    await Promise.all([node.join(), node.join()]);
    await node.join();
    expect(await tellAndCount()).toEqual(["hello", "end"]);
  });

  it.each(["subscribe", "renewLease"] as const)(
    "joins after %s has failed, and receives each message once",
    async (call) => {
      bus.broken.add(call);
      await expect(node.join()).rejects.toThrow(`The line is down: ${call}`);
      await expect(node.join()).rejects.toThrow(`The line is down: ${call}`);
      expect(await shared.liveNodes()).toEqual([]);
      bus.broken.delete(call);
      await node.join();
      expect(await shared.liveNodes()).toEqual([node.id]);
      expect(await tellAndCount()).toEqual(["hello", "end"]);
    },
  );

  it("reports a gap to all listeners after each reconnection", async () => {
    await node.join();
    let others = 0;
    node.onGap(() => others++);
    bus.reconnect();
    bus.reconnect();
    expect([gaps, others]).toEqual([2, 2]);
  });

  it("reports a gap when renewals failed for longer than its lease, and is alive again", async () => {
    await node.join();
    bus.broken.add("renewLease");
    await eventually(async () => expect(await shared.liveNodes()).toEqual([]));
    bus.broken.delete("renewLease");
    await eventually(async () => expect(await shared.liveNodes()).toEqual([node.id]));
    expect(gaps).toBeGreaterThanOrEqual(1);
  });

  it("reports a gap when the process stood still for longer than its lease", async () => {
    await node.join();
    standStill(2 * leaseMs);
    await eventually(() => expect(gaps).toBeGreaterThanOrEqual(1));
  });

  it("reports a gap when the process stood still between a renewal and its answer", async () => {
    await node.join();
    const renewal = bus.hold("renewLease", "answer");
    await renewal.arrived;
    standStill(2 * leaseMs);
    renewal.release();
    await renewals(2);
    expect(gaps).toBeGreaterThanOrEqual(1);
  });

  it("drops its lease when it closes, and does not renew it", async () => {
    await node.join();
    await node.close();
    expect(bus.isClosed).toBe(true);
    await expectGoneForGood();
  });

  it("does not renew its lease when it closes while it joins", async () => {
    const renewal = bus.hold("renewLease", "request");
    const joining = node.join().catch(() => {});
    await renewal.arrived;
    const closing = node.close();
    renewal.release();
    await Promise.all([joining, closing]);
    await expectGoneForGood();
  });

  it("does not renew its lease again when it closes during a renewal", async () => {
    await node.join();
    const renewal = bus.hold("renewLease", "request");
    await renewal.arrived;
    const closing = node.close();
    renewal.release();
    await closing;
    await expectGoneForGood();
  });

  it("can close while the bus is down, twice, and without having joined", async () => {
    await new Node(new TestBus(shared)).close();
    await node.join();
    bus.broken.add("dropLease");
    await node.close();
    await node.close();
    expect(bus.isClosed).toBe(true);
  });

  it.each(["no JSON", "", "null", "17", "{}", '{"type":"news"}', '{"question":"1"}'])(
    "survives %j on its channels, and receives the next message",
    async (message) => {
      await node.join();
      await node.ask("news", "own", 10);
      await shared.publish("nodes", message);
      await shared.publish(`node:${node.id}`, message);
      await tellAndCount();
      expect(bus.thrown).toEqual([]);
    },
  );

  it("survives an answerer that throws, and still answers", async () => {
    await node.join();
    node.answer("trouble", () => {
      throw new Error("in the answerer");
    });
    expect(await asker.ask("trouble", {}, 500)).toStrictEqual({ answers: [], silentNodes: [] });
    expect(await tellAndCount()).toEqual(["hello", "end"]);
    expect(bus.thrown).toEqual([]);
  });

  /** Waits until a late renewal would have come, and its lease would have run out. */
  async function expectGoneForGood(): Promise<void> {
    const until = Date.now() + 3 * leaseMs;
    await eventually(async () => {
      const living = await shared.liveNodes();
      if (living.length > 0) expect(Date.now()).toBeLessThan(until);
      expect(Date.now()).toBeGreaterThan(until);
    });
    expect(await shared.liveNodes()).toEqual([]);
  }
});

/** Blocks the event loop, as SIGSTOP does. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
