import { type Backend, memoryBackend } from "express-session-stack";
import type { ChatStore } from "./store/chat-store.ts";
import { MemoryChatStore } from "./store/memory-chat-store.ts";

/** Where the app keeps what is to last. */
export interface OpenBackend {
  backend: Backend;
  store: ChatStore;
  /** Leaves the other nodes, and closes what was opened. */
  close(): Promise<void>;
}

/** In Redis if there is a URL of one, else in memory. */
export async function openBackend(url: string | undefined, prefix = "example:"): Promise<OpenBackend> {
  if (!url) {
    const backend = memoryBackend();
    return { backend, store: new MemoryChatStore(), close: () => backend.close() };
  }
  // Imported only here: without REDIS_URL the packages need not even be installed.
  const [{ createClient }, { redisBackend }, { RedisChatStore }] = await Promise.all([
    import("redis"),
    import("express-session-stack/redis"),
    import("./store/redis-chat-store.ts"),
  ]);
  const client = createClient({ url });
  // Without a listener, a lost connection would end the process.
  client.on("error", (error) => console.error(`Redis: ${error}`));
  await client.connect();
  const backend = redisBackend({ client, prefix });
  return {
    backend,
    store: new RedisChatStore(client as ReturnType<typeof createClient>, prefix),
    async close() {
      await backend.close();
      await client.close();
    },
  };
}
