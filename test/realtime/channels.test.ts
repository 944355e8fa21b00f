import { MemoryBus } from "../../lib/bus/memory-bus.ts";
import { Bounds } from "../../lib/calls/bounds.ts";
import { Channels } from "../../lib/realtime/delivery/channels.ts";
import type { Receiver } from "../../lib/realtime/delivery/delivery.ts";
import { eventually } from "../support/eventually.ts";

/** Makes each subscription, and answers it only when the test says so. */
class SlowBus extends MemoryBus {
  readonly subscribed = new Set<string>();
  answer: () => void = () => {};
  readonly #answers = new Promise<void>((resolve) => {
    this.answer = resolve;
  });

  override async subscribe(...call: Parameters<MemoryBus["subscribe"]>): Promise<void> {
    await this.#answers;
    await super.subscribe(...call);
    this.subscribed.add(call[0]);
  }

  override async unsubscribe(...call: Parameters<MemoryBus["unsubscribe"]>): Promise<void> {
    // Answers in the order of the calls, as on one line.
    await this.#answers;
    await super.unsubscribe(...call);
    this.subscribed.delete(call[0]);
  }
}

const receiver: Receiver = { id: "a", push() {} };

test("a channel that is subscribed after its receiver gave up and left does not stay subscribed", async () => {
  const bus = new SlowBus();
  const channels = new Channels(bus, new Bounds(20), () => false);
  await expect(channels.enter(["group:a"], receiver)).rejects.toMatchObject({
    code: "ERR_STORE_UNAVAILABLE",
  });
  channels.exit("group:a", receiver);
  for (let tick = 0; tick < 12; tick++) channels.tick();
  await new Promise((resolve) => setTimeout(resolve, 40));
  bus.answer();
  await eventually(() => expect(bus.subscribed.size).toBe(0));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(bus.subscribed.size).toBe(0);
});

// Once, such channels stayed subscribed for good: ten thousand leaves at the same time took all places for calls.
test("a channel whose unsubscription finds no place or fails is unsubscribed with a later tick", async () => {
  let failures = 1;
  class BrokenBus extends MemoryBus {
    readonly subscribed = new Set<string>();

    override async subscribe(...call: Parameters<MemoryBus["subscribe"]>): Promise<void> {
      await super.subscribe(...call);
      this.subscribed.add(call[0]);
    }

    override async unsubscribe(...call: Parameters<MemoryBus["unsubscribe"]>): Promise<void> {
      if (call[0] === "group:a" && failures-- > 0) throw new Error("no line");
      await super.unsubscribe(...call);
      this.subscribed.delete(call[0]);
    }
  }
  const bus = new BrokenBus();
  const bounds = new Bounds(30_000);
  const channels = new Channels(bus, bounds, () => false);
  const names = ["group:a", "group:b"];
  await channels.enter(names, receiver);
  for (const name of names) channels.exit(name, receiver);
  const held: (() => void)[] = [];
  const hold = () => bounds.for("maintenance").call(() => new Promise<void>((resolve) => held.push(resolve)));
  const holding = Array.from({ length: 10_000 }, hold);
  for (let tick = 0; tick < 12; tick++) channels.tick();
  await new Promise(setImmediate);
  expect([...bus.subscribed]).toEqual(names);
  for (const letGo of held) letGo();
  await Promise.all(holding);
  channels.tick();
  await eventually(() => expect([...bus.subscribed]).toEqual(["group:a"]));
  // The second try does not unsubscribe a channel whose receiver has come back.
  await channels.enter(["group:a"], receiver);
  channels.tick();
  await new Promise(setImmediate);
  let heard = 0;
  await channels.enter(["group:a"], { id: "b", push: () => heard++ });
  await channels.publish("group:a", "{}");
  await eventually(() => expect(heard).toBe(1));
});

test("a channel that cannot be subscribed does not affect other channels", async () => {
  class PickyBus extends MemoryBus {
    override async subscribe(...call: Parameters<MemoryBus["subscribe"]>): Promise<void> {
      if (call[0] === "group:bad") throw new Error("no such shard");
      await new Promise(setImmediate);
      await super.subscribe(...call);
    }
  }
  const channels = new Channels(new PickyBus(), new Bounds(30_000), () => false);
  await expect(channels.enter(["group:bad", "group:good"], receiver)).rejects.toMatchObject({
    code: "ERR_STORE_UNAVAILABLE",
  });
  for (let round = 0; round < 20; round++) {
    channels.tick();
    await channels.enter(["group:good"], { id: `${round}`, push() {} });
  }
});

test("a connection enters any number of channels with one waiting call", async () => {
  const bus = new SlowBus();
  const bounds = new Bounds(5_000);
  const channels = new Channels(bus, bounds, () => false);
  const names = Array.from({ length: 20_000 }, (_, at) => `group:${at}`);
  const entered = channels.enter(names, receiver);
  expect(await bounds.call(async () => "answered")).toBe("answered");
  bus.answer();
  await entered;
  expect(bus.subscribed.size).toBe(20_000);
});
