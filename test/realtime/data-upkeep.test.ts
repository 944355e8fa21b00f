import { Bounds } from "../../lib/calls/bounds.ts";
import type { ConnectionStore } from "../../lib/connections/connection-store.ts";
import { DataUpkeep } from "../../lib/realtime/data/data-upkeep.ts";

const MANY = 12_000;

/** A store whose clear waits until the test lets it continue. */
class SlowStore {
  readonly cleared = new Set<string>();
  readonly held: ((error?: Error) => void)[] = [];
  mostAtOnce = 0;

  async clear({ id }: { id: string }): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.held.push((error) => (error ? reject(error) : resolve()));
    });
    this.cleared.add(id);
  }

  letGo(error?: Error): void {
    this.mostAtOnce = Math.max(this.mostAtOnce, this.held.length);
    for (const goOn of this.held.splice(0)) goOn(error);
  }
}

function upkeepOf(store: SlowStore): { data: DataUpkeep; bounds: Bounds; reported: unknown[] } {
  const bounds = new Bounds(30_000).for("maintenance");
  const reported: unknown[] = [];
  const data = new DataUpkeep(store as unknown as ConnectionStore, bounds, (error) => reported.push(error));
  return { data, bounds, reported };
}

// Once, ten thousand connections closed together, and the data of some stayed until it expired, for want of places.
test("the data of thousands of connections that close together is cleared, and other calls find places", async () => {
  const store = new SlowStore();
  const { data, bounds, reported } = upkeepOf(store);
  for (let n = 0; n < MANY; n++) data.clear({ id: `c${n}`, userId: "u" });
  await expect(bounds.call(async () => "a place")).resolves.toBe("a place");
  const releasing = setInterval(() => store.letGo(), 1);
  await data.close();
  clearInterval(releasing);
  expect(store.cleared.size).toBe(MANY);
  expect(store.mostAtOnce).toBe(1_000);
  expect(reported).toEqual([]);
});

test("data that could not be cleared is cleared with a later tick, and the failure is reported once", async () => {
  const store = new SlowStore();
  const { data, reported } = upkeepOf(store);
  for (let n = 0; n < 5; n++) data.clear({ id: `c${n}`, userId: undefined });
  for (let tries = 0; tries < 3; tries++) {
    store.letGo(new Error("down"));
    await data.close();
    expect(store.cleared.size).toBe(0);
    data.tick();
  }
  store.letGo();
  await data.close();
  expect(store.cleared.size).toBe(5);
  expect(reported).toHaveLength(1);
});

test("a store that answers some calls and fails others is reported once", async () => {
  const store = new SlowStore();
  const { data, reported } = upkeepOf(store);
  for (let n = 0; n < 6; n++) data.clear({ id: `c${n}`, userId: "u" });
  for (const [at, goOn] of store.held.splice(0).entries()) goOn(at % 2 === 0 ? new Error("down") : undefined);
  await data.close();
  expect(store.cleared.size).toBe(3);
  expect(reported).toHaveLength(1);
});
