export { type RedisBackendOptions, redisBackend } from "./redis-backend.ts";
export type { RedisClient, RedisCommandOptions, RedisSubscriber, ScriptCall } from "./redis-client.ts";
export type { Callback } from "./sessions/callback.ts";
export {
  RedisSessionStore,
  type RedisSessionStoreOptions,
  type SessionSerializer,
} from "./sessions/redis-session-store.ts";
