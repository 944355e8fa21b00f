import { memoryBackend } from "express-session-stack";
import { redisBackend } from "express-session-stack/redis";
import { createClient } from "redis";

declare module "express-session" {
  // Two counters under two keys: saves at the same time merge by key.
  interface SessionData {
    httpCount: number;
    webSocketCount: number;
  }
}

const KEPT = 100;
export type Store = ReturnType<typeof memoryStore>;

/** Where all is kept: sessions in the backend, and beside it values, and lists of which the latest 100 stay. */
export function memoryStore() {
  const [backend, values, lists] = [memoryBackend(), new Map<string, string>(), new Map<string, string[]>()];
  return {
    backend,
    close: (): Promise<unknown> => backend.close(),
    get: async (key: string) => values.get(key) ?? "",
    /** Sets a value in place of another, or of none, in one step. Resolves to whether that was the one. */
    swap: async (key: string, before: string, after: string) =>
      (values.get(key) ?? "") === before && values.set(key, after).has(key),
    list: async (key: string) => lists.get(key) ?? [],
    push: async (key: string, item: string): Promise<unknown> =>
      lists.set(key, [...(lists.get(key) ?? []), item].slice(-KEPT)),
  };
}

const SWAP = `return (redis.call("GET", KEYS[1]) or "") == ARGV[1] and redis.call("SET", KEYS[1], ARGV[2])`;

/** The same, shared by all nodes that have one Redis. */
export async function redisStore(url: string, prefix: string): Promise<Store> {
  // Without a listener, a lost connection would end the process.
  const client = await createClient({ url })
    .on("error", (error) => console.error(`${error}`))
    .connect();
  const backend = redisBackend({ client, prefix });
  return {
    backend,
    close: () => backend.close().then(() => client.close()),
    get: async (key) => (await client.get(prefix + key)) ?? "",
    swap: async (key, ...values) => !!(await client.eval(SWAP, { keys: [prefix + key], arguments: values })),
    list: (key) => client.lRange(prefix + key, 0, -1),
    push: (key, item) =>
      client
        .multi()
        .rPush(prefix + key, item)
        .lTrim(prefix + key, -KEPT, -1)
        .exec(),
  };
}
