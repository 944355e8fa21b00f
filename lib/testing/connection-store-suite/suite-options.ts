import type {
  ConnectionIdentity,
  ConnectionStore,
  ConnectionStoreOptions,
} from "../../connections/connection-store.ts";
import { type Rules, rulesOf } from "../tools/rules.ts";
import type { SuiteOptions, TestRunner } from "../tools/runner.ts";

/** The rules that a store may deviate from. The title of the skipped test names the reason. */
export type ConnectionStoreDeviation = "clear";

/** Options of {@link describeConnectionStore}. */
export interface ConnectionStoreSuiteOptions extends SuiteOptions {
  /** Makes an empty store for one test. */
  create(options: ConnectionStoreOptions): ConnectionStore | Promise<ConnectionStore>;
  /** The rules that do not apply to the store, each with the reason. */
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

/** The options for the data of one connection. It does not expire during a test. */
export const ofConnection: ConnectionStoreOptions = {
  ttlSeconds: 600,
  nameOf: ({ id }) => `connection:${id}`,
};

/** The options for the data of a user, shared by all connections of the user. */
export const ofUser: ConnectionStoreOptions = {
  ttlSeconds: 600,
  nameOf: ({ userId }) => (userId === undefined ? undefined : `user:${userId}`),
};

export function connection(id: string, userId?: string): ConnectionIdentity {
  return { id, userId };
}
