/** What a TypeScript user of the suites writes. Nothing here is run: `tsc --noEmit` is the test. */
import * as nodeTest from "node:test";
import * as jest from "@jest/globals";
import { memoryBackend } from "../../lib/index.ts";
import {
  type BusDeviation,
  describeBus,
  describeConnectionStore,
  describeHistory,
  describeMemberships,
  describeRegistry,
  describeSessionIndex,
  describeSessionStore,
  type TestRunner,
} from "../../lib/testing.ts";

const ofNode: TestRunner = { describe: nodeTest.describe, it: nodeTest.it };
const ofJest: TestRunner = { describe: jest.describe, it: jest.it };
const ofGlobals: TestRunner = { describe, it };

describeSessionStore("sessions", { create: () => memoryBackend().sessions, runner: ofNode });
describeSessionIndex("index", { create: async () => memoryBackend().sessionIndex, runner: ofJest });
describeRegistry("registry", { create: () => memoryBackend().registry, runner: ofGlobals });
describeMemberships("memberships", { create: () => memoryBackend().memberships });
describeConnectionStore("data", {
  create: (options) => memoryBackend().connectionStore(options),
  deviations: { clear: "data outlives the line" },
});

describeHistory("history", {
  create() {
    const { bus, history } = memoryBackend();
    if (!history) throw new Error("A backend of one's own may have no history.");
    return {
      nodes: [
        { bus, history },
        { bus, history },
      ],
      lose: async () => {},
    };
  },
  deviations: { loss: "it is never lost" },
});

const deviations: Partial<Record<BusDeviation, string>> = { lines: "they are never down" };

describeBus("bus", {
  create() {
    const { bus } = memoryBackend();
    return { buses: [bus, bus, bus] };
  },
  deviations,
});

// @ts-expect-error: a bus of one node is not enough.
describeBus("bus", { create: () => ({ buses: [memoryBackend().bus] }) });

// @ts-expect-error: a registry has no deviations.
describeRegistry("registry", { create: () => memoryBackend().registry, deviations: {} });
