import { MemoryBus } from "../../lib/bus/memory-bus.ts";
import { Node } from "../../lib/bus/node/node.ts";
import { GuestLogins } from "../../lib/users/login/guest-logins.ts";
import { TestBus } from "../bus/test-bus.ts";
import { eventually } from "../support/eventually.ts";
import { afterThisTest } from "./support.ts";

interface Listening {
  bus: TestBus;
  node: Node;
  logins: GuestLogins;
  /** The keys that were heard, in order. */
  heard: string[];
}

/** A node of several that has joined. */
async function listen(shared: MemoryBus): Promise<Listening> {
  const bus = new TestBus(shared);
  const node = new Node(bus);
  afterThisTest(() => node.close());
  await node.join();
  const logins = GuestLogins.of(node);
  const heard: string[] = [];
  logins.listen((key) => heard.push(key));
  return { bus, node, logins, heard };
}

describe("logins of guests", () => {
  let here: Listening;
  let there: Listening;

  beforeEach(async () => {
    const shared = new MemoryBus();
    here = await listen(shared);
    there = await listen(shared);
  });

  test("are heard on all nodes, once each, and are remembered there", async () => {
    here.logins.tell(["a", "b"]);
    expect(here.heard).toEqual(["a", "b"]);
    await eventually(() => expect(there.heard).toEqual(["a", "b"]));
    there.logins.tell(["b", "c"]);
    await eventually(() => expect(here.heard).toEqual(["a", "b", "c"]));
    for (const { logins } of [here, there])
      expect(["a", "b", "c", "d"].map((key) => logins.isRecent(key))).toEqual([true, true, true, false]);
  });

  test("are announced by a process that has not joined and receives none", async () => {
    const bus = new TestBus(new MemoryBus());
    GuestLogins.of(new Node(bus)).tell(["a"]);
    await eventually(() => expect(bus.calls).toEqual(["publish"]));
  });

  test("without a key cost nothing", async () => {
    const calls = here.bus.calls.length;
    here.logins.tell([]);
    expect(here.bus.calls).toHaveLength(calls);
  });

  test("that are announced on a broken line make no call fail", async () => {
    here.bus.broken.add("publish");
    here.logins.tell(["a"]);
    await new Promise(setImmediate);
    expect(here.heard).toEqual(["a"]);
    expect(there.heard).toEqual([]);
  });

  test("that a node has missed are heard when its line is up again", async () => {
    there.bus.isDeaf = true;
    here.logins.tell(["a", "b"]);
    await new Promise(setImmediate);
    there.bus.isDeaf = false;
    expect(there.heard).toEqual([]);
    there.bus.reconnect();
    await eventually(() => expect(there.heard).toEqual(["a", "b"]));
    there.bus.reconnect();
    here.logins.tell(["c"]);
    await eventually(() => expect(there.heard).toEqual(["a", "b", "c"]));
    expect(here.heard).toEqual(["a", "b", "c"]);
  });

  test("are requested in vain while the line fails, and again after a later gap", async () => {
    there.bus.isDeaf = true;
    here.logins.tell(["a"]);
    await new Promise(setImmediate);
    there.bus.isDeaf = false;
    there.bus.broken.add("publish");
    there.bus.reconnect();
    await new Promise(setImmediate);
    there.bus.broken.clear();
    expect(there.heard).toEqual([]);
    there.bus.reconnect();
    await eventually(() => expect(there.heard).toEqual(["a"]));
  });

  test("are not requested by a process without listeners, and do not reach a removed listener", async () => {
    const bus = new TestBus(new MemoryBus());
    const node = new Node(bus);
    const logins = GuestLogins.of(node);
    bus.reconnect();
    const heard: string[] = [];
    const letGo = logins.listen((key) => heard.push(key));
    letGo();
    bus.reconnect();
    logins.tell(["a"]);
    expect(heard).toEqual([]);
    expect(bus.calls).toEqual(["publish"]);
  });

  test("are forgotten after half a minute of the monotonic clock, and are not sent to others then", async () => {
    there.bus.isDeaf = true;
    const now = jest.spyOn(performance, "now");
    afterThisTest(() => now.mockRestore());
    now.mockReturnValue(1_000);
    here.logins.tell(["a"]);
    now.mockReturnValue(30_999);
    expect(here.logins.isRecent("a")).toBe(true);
    here.logins.tell(["b"]);
    now.mockReturnValue(31_000);
    expect(here.logins.isRecent("a")).toBe(false);
    await new Promise(setImmediate);
    there.bus.isDeaf = false;
    there.bus.reconnect();
    await eventually(() => expect(there.heard).toEqual(["b"]));
    here.logins.tell(["a"]);
    expect(here.heard).toEqual(["a", "b", "a"]);
  });

  test("are limited to ten thousand at a time, and the oldest is forgotten", () => {
    here.logins.tell(Array.from({ length: 10_001 }, (_, n) => String(n)));
    expect(["0", "1", "10000"].map((key) => here.logins.isRecent(key))).toEqual([false, true, true]);
  });
});
