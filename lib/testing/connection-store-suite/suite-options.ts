import type {
  ConnectionIdentity,
  ConnectionStore,
  ConnectionStoreOptions,
} from "../../connections/connection-store.ts";
import { type Rules, rulesOf } from "../tools/rules.ts";
import type { SuiteOptions, TestRunner } from "../tools/runner.ts";

/** The rules that a store may have no use for; the reason stands in the title of the skipped test. */
export type ConnectionStoreDeviation = "clear";

/** Options of {@link describeConnectionStore}. */
export interface ConnectionStoreSuiteOptions extends SuiteOptions {
  /** A store with nothing in it, for one test. */
  create(options: ConnectionStoreOptions): ConnectionStore | Promise<ConnectionStore>;
  /** Rules that do not apply, each with the reason why. */
  deviations?: Partial<Record<ConnectionStoreDeviation, string>>;
}

/** Makes the store of one test. */
export type Make = (options: ConnectionStoreOptions) => Promise<ConnectionStore>;

export type RuleDeclarer = Rules<Make, ConnectionStoreDeviation>;

export function ruleDeclarer(
  runner: TestRunner,
  { create, deviations }: ConnectionStoreSuiteOptions,
): RuleDeclarer {
  return rulesOf(runner, (test) => test(async (options) => create(options)), deviations);
}

/** Data of one connection, as long as nobody waits for its end. */
export const ofConnection: ConnectionStoreOptions = {
  ttlSeconds: 600,
  nameOf: ({ id }) => `connection:${id}`,
};

/** Data of a user, on all connections. */
export const ofUser: ConnectionStoreOptions = {
  ttlSeconds: 600,
  nameOf: ({ userId }) => (userId === undefined ? undefined : `user:${userId}`),
};

export function connection(id: string, userId?: string): ConnectionIdentity {
  return { id, userId };
}
