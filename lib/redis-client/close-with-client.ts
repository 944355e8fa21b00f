import type { RedisClient } from "./redis-client.ts";

/** The events that node-redis's clients, clusters and sentinels emit when the app has closed them for good. */
const CLOSED_EVENTS = ["end", "disconnect"];

/** Something that has its own connection beside a client of the app. */
export interface Closable {
  close(): void;
}

/** The closables of each client, and the listener that closes them with it. */
const closables = new WeakMap<RedisClient, { readonly all: Set<Closable>; readonly closeAll: () => void }>();

/**
 * Closes `closable` together with the client. An app that closes its client means to end. A connection that it does
 * not know of must not keep it alive.
 */
export function closeWith(client: RedisClient, closable: Closable): void {
  const known = closables.get(client);
  if (known) return void known.all.add(closable);
  const all = new Set([closable]);
  const closeAll = () => {
    for (const each of all) each.close();
  };
  closables.set(client, { all, closeAll });
  for (const event of CLOSED_EVENTS) client.on(event, closeAll);
}

/** Undoes `closeWith`. The client's listeners are removed with its last closable. */
export function letGo(client: RedisClient, closable: Closable): void {
  const known = closables.get(client);
  if (!known?.all.delete(closable) || known.all.size > 0) return;
  closables.delete(client);
  for (const event of CLOSED_EVENTS) client.off?.(event, known.closeAll);
}
