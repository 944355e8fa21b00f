import type { SessionIndex } from "../../../lib/users/session-index.ts";

export interface SessionIndexSuiteOptions {
  /** An index with nothing in it, for one test. */
  create(): SessionIndex | Promise<SessionIndex>;
}

/** The part of a test runner that the suite needs; jest, mocha, vitest and node:test have it. */
declare const it: (title: string, body: () => Promise<void>) => unknown;

/** Declares a test that has an index of its own. */
export type RuleDeclarer = (title: string, test: (index: SessionIndex) => Promise<void>) => void;

export function ruleDeclarer({ create }: SessionIndexSuiteOptions): RuleDeclarer {
  return (title, test) => {
    it(title, async () => test(await create()));
  };
}
