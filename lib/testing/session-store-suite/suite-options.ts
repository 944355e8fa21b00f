import type { SessionStore } from "../../sessions/session-store.ts";
import { type Rules, rulesOf } from "../tools/rules.ts";
import type { SuiteOptions, TestRunner } from "../tools/runner.ts";

/** The rules that a store may deviate from. The title of the skipped test names the reason. */
export type SessionStoreDeviation =
  | "refreshMovesExpiry"
  | "refreshTellsGone"
  | "refreshKeepsVersion"
  | "walksAnyId";

/** Options of {@link describeSessionStore}. */
export interface SessionStoreSuiteOptions extends SuiteOptions {
  /** Makes an empty store for one test. */
  create(): SessionStore | Promise<SessionStore>;
  /** The rules that the store does not keep, each with the reason. */
  deviations?: Partial<Record<SessionStoreDeviation, string>>;
}

export type RuleDeclarer = Rules<SessionStore, SessionStoreDeviation>;

export function ruleDeclarer(
  runner: TestRunner,
  { create, deviations }: SessionStoreSuiteOptions,
): RuleDeclarer {
  return rulesOf(runner, async (test) => test(await create()), deviations);
}
