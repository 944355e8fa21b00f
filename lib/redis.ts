export { type RedisBackendOptions, redisBackend } from "./redis-backend.ts";
export type { RedisClient, ScriptCall } from "./redis-client.ts";
export {
  RedisSessionStore,
  type RedisSessionStoreOptions,
  type SessionSerializer,
} from "./sessions/redis-session-store.ts";
