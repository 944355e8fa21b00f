import type { SessionStore } from "../../../lib/sessions/session-store.ts";

/** The rules that a store may be unable to keep; the reason stands in the title of the skipped test. */
export type SessionStoreDeviation =
  | "refreshMovesExpiry"
  | "refreshTellsGone"
  | "refreshKeepsVersion"
  | "walksAnyId";

export interface SessionStoreSuiteOptions {
  /** A store with nothing in it, for one test. */
  create(): SessionStore | Promise<SessionStore>;
  /** Rules that the store does not keep, each with the reason why. */
  deviations?: Partial<Record<SessionStoreDeviation, string>>;
}

type Test = (store: SessionStore) => Promise<void>;

/** The part of a test runner that the suite needs; jest, mocha, vitest and node:test have it. */
declare const it: {
  (title: string, body: () => Promise<void>): unknown;
  skip(title: string, body: () => Promise<void>): unknown;
};

/** Declares tests that each get a store of their own. */
export interface RuleDeclarer {
  (title: string, test: Test): void;
  /** A rule that a store may deviate from. */
  deviable(deviation: SessionStoreDeviation, title: string, test: Test): void;
}

export function ruleDeclarer({ create, deviations = {} }: SessionStoreSuiteOptions): RuleDeclarer {
  function rule(title: string, test: Test): void {
    it(title, async () => test(await create()));
  }

  function deviable(deviation: SessionStoreDeviation, title: string, test: Test): void {
    const reason = deviations[deviation];
    if (reason === undefined) rule(title, test);
    else it.skip(`${title} (not here: ${reason})`, async () => {});
  }

  return Object.assign(rule, { deviable });
}
