export type { Backend } from "./backend.ts";
export type { Clock } from "./clock.ts";
export { type CloseReason, closeCodes } from "./close-codes.ts";
export type {
  ConnectionIdentity,
  ConnectionStore,
  ConnectionStoreOptions,
  StoredValue,
} from "./connections/connection-store.ts";
export { type UserConnectionStoreOptions, userConnectionStore } from "./connections/user-connection-store.ts";
export type { ErrorListener } from "./error-events.ts";
export { SessionStackError, type SessionStackErrorCode } from "./errors.ts";
export { type MemoryBackendOptions, memoryBackend } from "./memory-backend.ts";
export { type CookieMiddlewareOptions, cookieMiddleware } from "./middleware/cookie.ts";
export { type SessionMiddleware, sessionMiddleware } from "./middleware/session.ts";
export type { SessionCookieOptions, SessionMiddlewareOptions } from "./middleware/session-options.ts";
export { type SessionStack, sessionMiddlewareStack } from "./middleware/stack.ts";
export type { MetricsRegister } from "./observability/metrics.ts";
export type { Connection, ConnectionData } from "./realtime/connection.ts";
export type { EventMap, EventName } from "./realtime/event-map.ts";
export type { Closed, EventHandler } from "./realtime/events.ts";
export type { EventData } from "./realtime/protocol.ts";
export type { ActiveSession, GroupTarget, Realtime, Target } from "./realtime/realtime.ts";
export { realtime } from "./realtime/realtime.ts";
export type { RealtimeOptions } from "./realtime/realtime-options.ts";
export type { RealtimeStats } from "./realtime/realtime-stats.ts";
export type { SchemaIssue, SchemaResult, StandardSchema } from "./realtime/standard-schema.ts";
export type { UserSession } from "./users/list-sessions.ts";
export type { Login } from "./users/login.ts";
export type { User } from "./users/user.ts";
export type { UserEvent, UserEventName, UserListener } from "./users/user-events.ts";
export {
  type DeleteUserSessionsOptions,
  type DeletionReceipt,
  type UserSessions,
  type UserSessionsOptions,
  userSessions,
} from "./users/user-sessions.ts";
export type { SessionFindings } from "./users/verify-sessions.ts";
export type { Origins } from "./websocket/origin.ts";
export type { WebSocketSessionsOptions } from "./websocket/web-socket-options.ts";
export {
  type CloseOptions,
  type ConnectionListener,
  type WebSocketSessions,
  webSocketSessions,
} from "./websocket/web-socket-sessions.ts";
export type { WebSocketStats } from "./websocket/web-socket-stats.ts";
