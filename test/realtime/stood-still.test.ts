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
/** While it is there, nobody is told which nodes live. */
let standsStill: Promise<void> | undefined;

/** A node that shares its backend with another one, which has a connection of ann's and is there only as far as the backend knows. */
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

test("a node whose lease has run out is cleared with the next tick", async () => {
  await clock.advance(LEASE_MS - 1000);
  expect(offline).toEqual([]);
  await clock.advance(1000);
  await eventually(() => expect(offline).toEqual(["ann"]));
  expect(await memory.registry.nodes()).toEqual([]);
});

test("after the backend stood still, all have a lease's time to renew theirs, and who does is not cleared", async () => {
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
  // Who does not is.
  await clock.advance(1000);
  await eventually(() => expect(offline).toEqual(["ann"]));
});
