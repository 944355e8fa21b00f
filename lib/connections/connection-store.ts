import { hasMethods } from "../options/rule.ts";

/** A value in a connection store: text, or an object or array of JSON values. */
export type StoredValue = string | { readonly [name: string]: unknown } | readonly unknown[];

/** The connection that data belongs to. */
export interface ConnectionIdentity {
  /** Unique on all nodes. */
  readonly id: string;
  /** `undefined` if the connection's session has no user. */
  readonly userId: string | undefined;
}

/**
 * The store in which handlers keep data of a connection, as `connection.store`.
 *
 * The rules, which the conformance suite attacks:
 * - A read returns a copy of the value that was set. A connection never reads another's data. Keys are any strings.
 * - All data of a connection expires together, when the store's time to live has passed since any key was set or
 *   the data was refreshed.
 */
export interface ConnectionStore {
  /** The value that was set last; `undefined` if none was set, or it is gone. */
  get(connection: ConnectionIdentity, key: string): Promise<StoredValue | undefined>;
  /** Sets a value, and renews the time to live of all data of the connection. */
  set(connection: ConnectionIdentity, key: string, value: StoredValue): Promise<void>;
  /** Deletes a value. A missing value is no error. */
  delete(connection: ConnectionIdentity, key: string): Promise<void>;
  /** Renews the time to live of the data. Heartbeats call it, at most once a tick. */
  refresh(connection: ConnectionIdentity): Promise<void>;
  /**
   * Called once the connection is gone, also if its node has died. Without this method, data expires by its time to
   * live.
   */
  clear?(connection: ConnectionIdentity): Promise<void>;
}

/** How a backend's connection store keeps data. */
export interface ConnectionStoreOptions {
  /** Seconds that data lives after it was last set or refreshed. */
  readonly ttlSeconds: number;
  /**
   * The name under which a connection's data is kept. Connections of the same name share data. A connection without a
   * name has none.
   */
  readonly nameOf: (connection: ConnectionIdentity) => string | undefined;
}

/** Whether a value has the required methods of a connection store. */
export function isConnectionStore(value: unknown): value is ConnectionStore {
  return hasMethods(value, "get", "set", "delete", "refresh");
}
