import type { Backend } from "./backend.ts";
import { MemorySessionStore, type MemorySessionStoreOptions } from "./sessions/memory-session-store.ts";

/** Options of {@link memoryBackend}. */
export type MemoryBackendOptions = MemorySessionStoreOptions;

/** Keeps everything in this process: for one node, for development and for tests. */
export function memoryBackend(options: MemoryBackendOptions = {}): Backend {
  return { sessions: new MemorySessionStore(options) };
}
