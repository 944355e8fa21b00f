import session, { type Store } from "express-session";
import memorystore from "memorystore";
import { memoryBackend } from "../../lib/index.ts";
import type { SessionMiddlewareOptions } from "../../lib/middleware/session-options.ts";
import { redisBackend } from "../../lib/redis.ts";
import { connectRedis, type RedisClient, uniquePrefix } from "../support/redis-client.ts";

/** Runs around a read of the store. `read` reads, and its result is passed on when this resolves. */
export type AroundRead = (read: () => Promise<void>) => Promise<void>;

/** Where sessions are stored in a test, with changes that tests make without the stack. */
export interface Place {
  options: Pick<SessionMiddlewareOptions, "backend" | "store">;
  store: Store;
  aroundReads(around: AroundRead): void;
  /** Deletes a session as another process does, without a message. Memory has no other process. */
  deleteFromOutside?: (sid: string) => Promise<void>;
}

/** All places: the backends and a store from npm. */
export const places: { place: string; open: () => Promise<Place> }[] = [
  { place: "memory", open: async () => memoryPlace() },
  { place: "Redis", open: () => redisPlace() },
  { place: "the npm package memorystore", open: async () => memorystorePlace() },
];

/** The places that another process can change. */
export const sharedPlaces: typeof places = places.slice(1);

/** Runs a slow check on all places at the same time. A failure names the place. */
export async function inAllPlaces(check: (place: Place) => Promise<void>): Promise<void> {
  await Promise.all(
    places.map(async ({ place, open }) => {
      await check(await open()).catch((cause: Error) => {
        throw new Error(`On ${place}: ${cause.message}`, { cause });
      });
    }),
  );
}

/** Options of a place. `ttl` is in seconds. */
interface PlaceOptions {
  ttl?: number;
}

export function memoryPlace(options: PlaceOptions = {}): Place {
  return backendPlace(memoryBackend(options));
}

export async function redisPlace(options: PlaceOptions = {}): Promise<Place> {
  const client = await sharedRedis();
  const prefix = uniquePrefix("ws");
  return {
    ...backendPlace(redisBackend({ ...options, client, prefix })),
    deleteFromOutside: async (sid) => void (await client.del(`${prefix}sess:${sid}`)),
  };
}

export function memorystorePlace(): Place {
  const MemoryStore = memorystore(session);
  const store = new MemoryStore({});
  return {
    options: { store },
    store,
    aroundReads(around) {
      const get = store.get.bind(store);
      store.get = (sid, callback) => {
        let answer: Parameters<typeof callback> = [undefined];
        const read = () =>
          new Promise<void>((resolve) => {
            get(sid, (...found) => {
              answer = found;
              resolve();
            });
          });
        around(read).then(() => callback(...answer), callback);
      };
    },
    deleteFromOutside: async (sid) => entriesOf(store).del(sid),
  };
}

/** The entries of a memorystore, as JSON text by session id. */
export function entriesOf(store: Store): { del(sid: string): void; set(sid: string, json: string): void } {
  return (store as unknown as { store: { del(sid: string): void; set(sid: string, json: string): void } })
    .store;
}

function backendPlace(backend: ReturnType<typeof memoryBackend>): Place {
  const { sessions } = backend;
  return {
    options: { backend },
    store: sessions.expressStore,
    aroundReads(around) {
      const read = sessions.read.bind(sessions);
      sessions.read = async (sid) => {
        let found: Awaited<ReturnType<typeof read>>;
        await around(async () => {
          found = await read(sid);
        });
        return found;
      };
    },
  };
}

let redis: Promise<RedisClient> | undefined;

/** A client of the shared Redis. Each test file has one. */
export function sharedRedis(): Promise<RedisClient> {
  redis ??= connectRedis();
  return redis;
}

afterAll(async () => {
  (await redis)?.destroy();
});
