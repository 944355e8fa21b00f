export {
  type BusDeviation,
  type BusNodes,
  type BusSuiteOptions,
  describeBus,
} from "./testing/describe-bus.ts";
export {
  type ConnectionStoreDeviation,
  type ConnectionStoreSuiteOptions,
  describeConnectionStore,
} from "./testing/describe-connection-store.ts";
export {
  describeHistory,
  type HistoryDeviation,
  type HistoryNode,
  type HistoryNodes,
  type HistorySuiteOptions,
} from "./testing/describe-history.ts";
export { describeMemberships, type MembershipsSuiteOptions } from "./testing/describe-memberships.ts";
export { describeRegistry, type RegistrySuiteOptions } from "./testing/describe-registry.ts";
export { describeSessionIndex, type SessionIndexSuiteOptions } from "./testing/describe-session-index.ts";
export {
  describeSessionStore,
  type SessionStoreDeviation,
  type SessionStoreSuiteOptions,
} from "./testing/describe-session-store.ts";
export type { SuiteOptions, TestDeclarer, TestRunner } from "./testing/tools/runner.ts";
