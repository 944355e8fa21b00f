import type { Backend } from "../../backend/backend.ts";
import type { ConnectionStore } from "../../connections/connection-store.ts";
import { optionsCheck } from "../../options/options-check.ts";
import { wholeNumber } from "../../options/rule.ts";

/** Options of {@link userConnectionStore}. */
export interface UserConnectionStoreOptions {
  /** Seconds that a user's data lives on after the last heartbeat of any of the user's connections. @default 30 */
  expiresSeconds?: number;
}

const checked = optionsCheck<UserConnectionStoreOptions>("userConnectionStore", {
  expiresSeconds: wholeNumber("a whole number of seconds, from 1 to 2 ** 31", 2 ** 31),
});

/**
 * A connection store that all connections of a user share, on all devices. The data outlives the connections for a
 * while, so that a client that reconnects finds it again. Connections without a user have no data: values that they set
 * are lost.
 *
 * The idea comes from SwampDragon. Its session store lived for 30 seconds from heartbeat to heartbeat.
 *
 * @throws {TypeError} that names the option which is wrong.
 */
export function userConnectionStore(
  options?: UserConnectionStoreOptions,
): (backend: Backend) => ConnectionStore {
  const { expiresSeconds = 30 } = checked(options);
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
      // There is no `clear`: the data outlives the connection.
    };
  };
}
