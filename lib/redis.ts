export { type MoveGroupsOptions, moveGroups } from "./groups/move-groups.ts";
export { type RedisBackendOptions, redisBackend } from "./redis-backend.ts";
export type { RedisClient, RedisCommandOptions, RedisSubscriber, ScriptCall } from "./redis-client.ts";
export type { Callback } from "./sessions/callback.ts";
export { RedisSessionStore } from "./sessions/redis-session-store.ts";
export type { RedisSessionStoreOptions } from "./sessions/redis-session-store-options.ts";
export type { SessionSerializer } from "./sessions/session-store.ts";
