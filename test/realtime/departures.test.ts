import { Bounds } from "../../lib/calls/bounds.ts";
import { Running } from "../../lib/calls/running.ts";
import { type ConnectionRecord, connectionId } from "../../lib/connections/registry.ts";
import { Departures, type DeparturesParts } from "../../lib/realtime/presence/departures.ts";
import { FakeClock } from "../support/fake-clock.ts";

const MANY = 12_000;

function record(n: number): ConnectionRecord {
  return { id: connectionId("node", n), userId: `u${n}`, sid: `s${n}`, connectedAt: 0 };
}

// Once, ten thousand departures at the same time took all places of a node's own calls, and its tick failed.
test("thousands of connections that close together all depart, and leave places for the node's other calls", async () => {
  const upkeepBounds = new Bounds(30_000).for("maintenance");
  const [departed, told] = [new Set<string>(), new Set<string>()];
  const held: (() => void)[] = [];
  const lastingRegistry = {
    async depart({ id }: ConnectionRecord) {
      await new Promise<void>((resolve) => void held.push(resolve));
      departed.add(id);
      return { state: "offline" };
    },
    forget: async () => {},
  };
  const parts = {
    upkeepBounds,
    registry: lastingRegistry,
    lastingRegistry,
    clock: new FakeClock(),
    events: { tell: async (_: string, userId: string) => void told.add(userId) },
  } as unknown as DeparturesParts;
  const running = new Running();
  const departures = new Departures(parts, running);
  for (let n = 0; n < MANY; n++) departures.begin(record(n), { graceMs: 0, wasTold: true });
  expect(held).toHaveLength(1_000);
  await expect(upkeepBounds.call(async () => "a place")).resolves.toBe("a place");
  const releasing = setInterval(() => {
    for (const letGo of held.splice(0)) letGo();
  }, 1);
  await running.settled();
  clearInterval(releasing);
  expect(departed.size).toBe(MANY);
  expect(told.size).toBe(MANY);
  expect(departures.has(connectionId("node", MANY - 1))).toBe(false);
});
