export { type RedisBackendOptions, redisBackend } from "./backend/redis-backend.ts";
export type { Callback } from "./calls/callback.ts";
export { type MoveGroupsOptions, moveGroups } from "./groups/move-groups.ts";
export type {
  RedisClient,
  RedisCommandOptions,
  RedisSubscriber,
  ScriptCall,
} from "./redis-client/redis-client.ts";
export type { RedisSessionStoreOptions } from "./sessions/redis/redis-session-store-options.ts";
export { RedisSessionStore } from "./sessions/redis-session-store.ts";
export type { SessionSerializer } from "./sessions/session-store.ts";
