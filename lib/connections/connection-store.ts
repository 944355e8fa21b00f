import { hasMethods } from "../options/rule.ts";

/** What a connection store holds: text, or an object or list of what JSON has. */
export type StoredValue = string | { readonly [name: string]: unknown } | readonly unknown[];

/** Whose data it is. */
export interface ConnectionIdentity {
  /** Unique on all nodes. */
  readonly id: string;
  /** `undefined` if the connection's session has no user. */
  readonly userId: string | undefined;
}

/**
 * Where handlers keep data of a connection, in `connection.store`.
 *
 * The rules, which the conformance suite attacks:
 * - What was set is read as it was, as a copy; nobody else's is. Keys are any strings.
 * - Data lives for the store's time to live after it was last set or refreshed, by any of its keys, and together.
 */
export interface ConnectionStore {
  /** What was set last; `undefined` if nothing was, or it is gone. */
  get(connection: ConnectionIdentity, key: string): Promise<StoredValue | undefined>;
  /** Sets a value, and lets all data of the connection live on. */
  set(connection: ConnectionIdentity, key: string, value: StoredValue): Promise<void>;
  /** Deletes a value. One that is not there is no error. */
  delete(connection: ConnectionIdentity, key: string): Promise<void>;
  /** Lets the data live on: called at heartbeats, at most once a tick. */
  refresh(connection: ConnectionIdentity): Promise<void>;
  /** Called once the connection is gone, also for one whose node has died; without it, data goes by its time to live. */
  clear?(connection: ConnectionIdentity): Promise<void>;
}

/** How a backend's connection store keeps data. */
export interface ConnectionStoreOptions {
  /** Seconds that data lives without being set or refreshed. */
  readonly ttlSeconds: number;
  /** Under which name a connection's data is kept; connections of the same name share it, and one without has none. */
  readonly nameOf: (connection: ConnectionIdentity) => string | undefined;
}

/** Whether something has what a connection store must have. */
export function isConnectionStore(value: unknown): value is ConnectionStore {
  return hasMethods(value, "get", "set", "delete", "refresh");
}
