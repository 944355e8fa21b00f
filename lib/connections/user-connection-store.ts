import type { Backend } from "../backend.ts";
import type { ConnectionStore } from "./connection-store.ts";

/** Options of {@link userConnectionStore}. */
export interface UserConnectionStoreOptions {
  /** Seconds that a user's data outlives the last heartbeat of all of the user's connections. @default 30 */
  expiresSeconds?: number;
}

/**
 * A connection store that is the user's, on all devices, and outlives the line for a while: for what a client that
 * reconnects should find again. Connections without a user have none: what they set goes nowhere.
 *
 * After SwampDragon, whose session store lived for 30 seconds from heartbeat to heartbeat.
 *
 * @throws {TypeError} that names the option which is wrong.
 */
export function userConnectionStore(
  options: UserConnectionStoreOptions = {},
): (backend: Backend) => ConnectionStore {
  const { expiresSeconds = 30 } = options;
  if (!Number.isInteger(expiresSeconds) || expiresSeconds < 1) {
    throw new TypeError('userConnectionStore: option "expiresSeconds" must be a whole number, at least 1');
  }
  return (backend) => {
    const store = backend.connectionStore({
      ttlSeconds: expiresSeconds,
      nameOf: ({ userId }) => (userId === undefined ? undefined : `user:${userId}`),
    });
    return {
      get: (connection, key) => store.get(connection, key),
      set: (connection, key, value) => store.set(connection, key, value),
      delete: (connection, key) => store.delete(connection, key),
      refresh: (connection) => store.refresh(connection),
      // No `clear`: it outlives the line.
    };
  };
}
