import type { ConnectionIdentity, ConnectionStore, StoredValue } from "../../connections/connection-store.ts";
import { isText } from "../../names/is-text.ts";

/** Data of one connection, by default for as long as it is open. */
export interface ConnectionData {
  /** What was set last, as a copy; `undefined` if nothing was. */
  get(key: string): Promise<StoredValue | undefined>;
  /** Sets text, or an object or list of what JSON has. @throws {TypeError} for what JSON has not, and for a key with half a surrogate pair */
  set(key: string, value: StoredValue): Promise<void>;
  /** Deletes a value. One that is not there is no error. */
  delete(key: string): Promise<void>;
}

/** What of a connection is noted for its data. */
export interface DataHolder extends ConnectionIdentity {
  hasData: boolean;
  readonly isGone: boolean;
}

/** The data of a connection in a store. */
export function connectionData(holder: DataHolder, store: ConnectionStore): ConnectionData {
  return {
    get: async (key) => store.get(holder, checkedKey(key)),
    set: async (key, value) => {
      checkedKey(key);
      checkValue(value);
      holder.hasData = true;
      await store.set(holder, key, value);
      // Cleared already, as its last step.
      if (holder.isGone) await store.clear?.(holder);
    },
    delete: async (key) => store.delete(holder, checkedKey(key)),
  };
}

function checkedKey(key: string): string {
  if (isText(key)) return key;
  throw new TypeError("connection.store: a key must be well-formed text");
}

function checkValue(value: unknown): void {
  if (typeof value === "string") return;
  // Throws by itself for a BigInt and for circles.
  if (typeof value !== "object" || value === null || JSON.stringify(value) === undefined)
    throw new TypeError("connection.store: a value must be text, an object or a list");
}
