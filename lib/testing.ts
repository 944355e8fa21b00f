export {
  type BusDeviation,
  type BusNodes,
  type BusSuiteOptions,
  describeBus,
} from "./testing/describe-bus.ts";
export { describeSessionIndex, type SessionIndexSuiteOptions } from "./testing/describe-session-index.ts";
export {
  describeSessionStore,
  type SessionStoreDeviation,
  type SessionStoreSuiteOptions,
} from "./testing/describe-session-store.ts";
export type { SuiteOptions, TestDeclarer, TestRunner } from "./testing/runner.ts";
