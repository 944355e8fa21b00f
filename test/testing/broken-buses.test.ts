import type { MessageListener } from "../../lib/bus/bus.ts";
import { MemoryBus } from "../../lib/bus/memory-bus.ts";
import { describeBus } from "../../lib/testing/describe-bus.ts";
import { collectedTests } from "./collected-tests.ts";

const deviations = { lines: "they are never down", ownClose: "one bus for all" };

/** Unsubscribes all listeners of a channel. */
class UnsubscribesAll extends MemoryBus {
  readonly #known = new Set<MessageListener>();

  override subscribe(channel: string, listener: MessageListener): Promise<void> {
    this.#known.add(listener);
    return super.subscribe(channel, listener);
  }

  override async unsubscribe(channel: string): Promise<void> {
    for (const listener of this.#known) await super.unsubscribe(channel, listener);
  }
}

/** Unsubscribes a listener from all channels. */
class UnsubscribesEverywhere extends MemoryBus {
  readonly #channels = new Set<string>();

  override subscribe(channel: string, listener: MessageListener): Promise<void> {
    this.#channels.add(channel);
    return super.subscribe(channel, listener);
  }

  override async unsubscribe(_: string, listener: MessageListener): Promise<void> {
    for (const channel of this.#channels) await super.unsubscribe(channel, listener);
  }
}

class UnsubscribesLater extends MemoryBus {
  override async unsubscribe(channel: string, listener: MessageListener): Promise<void> {
    setImmediate(() => void super.unsubscribe(channel, listener));
  }
}

/** Keeps only the last listener of each channel. */
class OneListener extends MemoryBus {
  readonly #last = new Map<string, MessageListener>();

  override async subscribe(channel: string, listener: MessageListener): Promise<void> {
    const last = this.#last.get(channel);
    if (last) await this.unsubscribe(channel, last);
    this.#last.set(channel, listener);
    await super.subscribe(channel, listener);
  }
}

const broken: [new () => MemoryBus, title: string][] = [
  [UnsubscribesAll, "a message reaches exactly the listeners that are subscribed after a race"],
  [UnsubscribesEverywhere, "unsubscribing ends one channel of a listener, and keeps its other channels"],
  [UnsubscribesLater, "a listener is not called after it has unsubscribed, even with messages under way"],
  [
    UnsubscribesLater,
    "a message does not reach a listener that has unsubscribed, and still reaches the others",
  ],
  [OneListener, "a message reaches each listener of a channel on one node once, in order"],
];

function testsOf(bus: MemoryBus): ReturnType<typeof collectedTests> {
  return collectedTests((runner) =>
    describeBus("it", { create: () => ({ buses: [bus, bus, bus] }), deviations, runner }),
  );
}

describe("describeBus", () => {
  it.each(broken)("finds what is wrong with %p: %s", async (Broken, title) => {
    await expect(testsOf(new Broken()).get(title)?.()).rejects.toThrow();
  });

  it("skips the rules from which a bus deviates, with the reason in the title", () => {
    const tests = testsOf(new MemoryBus());
    const skipped = [...tests].filter(([, body]) => body === undefined).map(([title]) => title);
    expect(skipped).toContain("subscribes to a new channel after a cut (not here: they are never down)");
    expect(skipped).toContain(
      "a message still reaches the other nodes after one bus has closed (not here: one bus for all)",
    );
    expect(skipped.length).toBeLessThan(tests.size / 2);
  });

  it.each([{}, { it }, { describe }])("throws at once for the runner %p", (runner) => {
    const create = () => ({ buses: [] }) as never;
    const declare = () => describeBus("it", { create, runner: runner as never });
    expect(declare).toThrow(TypeError);
    expect(declare).toThrow('describeBus: option "runner" must be an object with "describe" and "it"');
  });
});
