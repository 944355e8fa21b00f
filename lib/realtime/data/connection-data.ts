import type { ConnectionIdentity, ConnectionStore, StoredValue } from "../../connections/connection-store.ts";
import { isText } from "../../names/is-text.ts";

/** Data of one connection. By default the data lives for as long as the connection is open. */
export interface ConnectionData {
  /** Returns a copy of the value that was set last, or `undefined` if no value was set. */
  get(key: string): Promise<StoredValue | undefined>;
  /**
   * Sets a value: text, or an object or a list that JSON can express.
   *
   * @throws {TypeError} for a value that JSON cannot express, and for a key with half a surrogate pair
   */
  set(key: string, value: StoredValue): Promise<void>;
  /** Deletes a value. If there is no such value, that is no error. */
  delete(key: string): Promise<void>;
}

/** The properties of a connection that its data needs. */
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
      // The data of a closed connection was cleared already. So this clears it again.
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
  // `JSON.stringify` itself throws for a BigInt and for circular references.
  if (typeof value !== "object" || value === null || JSON.stringify(value) === undefined)
    throw new TypeError("connection.store: a value must be text, an object or a list");
}
