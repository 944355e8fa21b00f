import { MemoryBus } from "../../lib/bus/memory-bus.ts";
import { describeBus } from "../../lib/testing/describe-bus.ts";

describeBus("MemoryBus", {
  create: () => {
    const bus = new MemoryBus();
    return { buses: [bus, bus, bus] };
  },
  deviations: { lines: "they are never down", ownClose: "the nodes of one process share one bus" },
});

describe("MemoryBus", () => {
  it("ends a lease by its own clock, at the exact millisecond", async () => {
    let now = 1_000;
    const bus = new MemoryBus({ now: () => now });
    await bus.renewLease("a", 500);
    now += 499;
    expect(await bus.liveNodes()).toEqual(["a"]);
    now++;
    expect(await bus.liveNodes()).toEqual([]);
    await bus.renewLease("a", 500);
    now += 499;
    expect(await bus.liveNodes()).toEqual(["a"]);
  });

  it("does not call a listener from within publish", async () => {
    const bus = new MemoryBus();
    const order: string[] = [];
    await bus.subscribe("a", (message) => order.push(message));
    const published = bus.publish("a", "heard");
    order.push("published");
    await published;
    expect(order).toEqual(["published", "heard"]);
  });
});
