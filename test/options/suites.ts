import {
  type BusDeviation,
  type ConnectionStoreDeviation,
  describeBus,
  describeConnectionStore,
  describeHistory,
  describeMemberships,
  describeRegistry,
  describeSessionIndex,
  describeSessionStore,
  type HistoryDeviation,
  type SessionStoreDeviation,
} from "../../lib/testing.ts";
import type { Subject } from "./subject.ts";
import { noFunction, noObject, nothing, type Row, type Rows } from "./values.ts";

const reason: Row = { right: ["a reason", ""], wrong: [true, 1, null, {}, []] };
const describe = () => {};
const it = Object.assign(() => {}, { skip() {} });
const base = { create: nothing, runner: { describe, it } };

const deviations: Readonly<Record<string, Readonly<Record<string, Row>>>> = {
  describeBus: { lines: reason, noFalseReconnect: reason, ownClose: reason } satisfies Rows<
    Record<BusDeviation, string>
  >,
  describeConnectionStore: { clear: reason } satisfies Rows<Record<ConnectionStoreDeviation, string>>,
  describeHistory: { loss: reason } satisfies Rows<Record<HistoryDeviation, string>>,
  describeSessionStore: {
    refreshKeepsVersion: reason,
    refreshMovesExpiry: reason,
    refreshTellsGone: reason,
    walksAnyId: reason,
  } satisfies Rows<Record<SessionStoreDeviation, string>>,
};

const suites = {
  describeBus,
  describeConnectionStore,
  describeHistory,
  describeMemberships,
  describeRegistry,
  describeSessionIndex,
  describeSessionStore,
};

const rows = {
  create: { right: [nothing], wrong: [undefined, ...noFunction] },
  runner: {
    right: [{ describe, it }, Object.assign(() => {}, { describe, it })],
    wrong: [{}, { describe }, { it }, { describe: true, it: true }, ...noObject, nothing],
  },
};

export const suiteSubjects: readonly Subject[] = Object.entries(suites).flatMap(
  ([whose, suite]): Subject[] => {
    const make = (options: unknown) => suite("it", options as never);
    const own = deviations[whose];
    if (!own) return [{ whose, make, base, rows }];
    const all = { ...rows, deviations: { right: [{}], wrong: [...noObject, nothing] } };
    return [
      { whose, make, base, rows: all },
      {
        whose: `${whose}'s deviations`,
        factory: whose,
        path: "deviations.",
        make: (options: unknown) => make({ ...base, deviations: options }),
        rows: own,
      },
    ];
  },
);
