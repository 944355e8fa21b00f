import { type Backend, memoryBackend } from "../../lib/index.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { closedAfterThisTest } from "../users/support.ts";
import { serve } from "./support.ts";

const LEASE_MS = 10_000;
const OTHER = "the other node";

let clock: FakeClock;
let memory: Backend;
let offline: string[];
/** While this is set, `liveNodes` does not answer. */
let standsStill: Promise<void> | undefined;

/** A node that shares its backend with another node. That node exists only in the backend, with a connection of ann. */
beforeEach(async () => {
  clock = new FakeClock();
  memory = closedAfterThisTest(memoryBackend({ now: () => clock.now(), leaseMs: LEASE_MS }));
  offline = [];
  standsStill = undefined;
  const bus = new Proxy(memory.bus, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      if (name !== "liveNodes") return member.bind(target);
      return async () => {
        await standsStill;
        return target.liveNodes();
      };
    },
  });
  await serve({
    backend: { ...memory, bus },
    realtime: { clock, graceMs: 0 },
    setUp: (chat) => chat.on("offline", (userId) => offline.push(userId)),
  });
  const record = { id: `${OTHER}:1`, userId: "ann", sid: "s", connectedAt: clock.now() };
  await memory.registry.arrive(record, { maxPerUser: 1, expireAfterMs: LEASE_MS });
  await memory.bus.renewLease(OTHER, LEASE_MS);
});

test("the next tick clears a node whose lease has run out", async () => {
  await clock.advance(LEASE_MS - 1000);
  expect(offline).toEqual([]);
  await clock.advance(1000);
  await eventually(() => expect(offline).toEqual(["ann"]));
  expect(await memory.registry.nodes()).toEqual([]);
});

test("after the backend stood still, all nodes have one lease time to renew, and those that do are not cleared", async () => {
  await clock.advance(1000);
  let goOn = () => {};
  standsStill = new Promise((resolve) => {
    goOn = resolve;
  });
  await clock.advance(2 * LEASE_MS);
  standsStill = undefined;
  goOn();
  await clock.advance(LEASE_MS - 1000);
  expect(offline).toEqual([]);
  await memory.bus.renewLease(OTHER, LEASE_MS);
  await clock.advance(LEASE_MS - 1000);
  expect(offline).toEqual([]);
  // A node that does not renew is cleared.
  await clock.advance(1000);
  await eventually(() => expect(offline).toEqual(["ann"]));
});
