export type { Backend } from "./backend/backend.ts";
export { type MemoryBackendOptions, memoryBackend } from "./backend/memory-backend.ts";
export type { Bus, MessageListener } from "./bus/bus.ts";
export type { Answerer } from "./bus/node/answerers.ts";
export { type Answers, Node } from "./bus/node/node.ts";
export type { NodeOptions } from "./bus/node/node-options.ts";
export { type CloseReason, closeCodes } from "./close-codes.ts";
export type {
  ConnectionIdentity,
  ConnectionStore,
  ConnectionStoreOptions,
  StoredValue,
} from "./connections/connection-store.ts";
export {
  type Arrival,
  type ArrivalLimits,
  type ConnectionRecord,
  connectionId,
  type Departure,
  nodeOf,
  type RegisteredConnection,
  type Registry,
  type Sighting,
} from "./connections/registry.ts";
export { SessionStackError, type SessionStackErrorCode } from "./errors.ts";
export type { Joining, Memberships } from "./groups/memberships.ts";
export type {
  History,
  HistoryLimits,
  HistoryPage,
  HistoryRange,
  KeptMessage,
  Position,
} from "./history/history.ts";
export { type Numbered, numbered, readNumbered } from "./history/numbered.ts";
export type { Attachable } from "./lines/attachable.ts";
export type { MemoryLimits, MemoryStats } from "./memory/memory-quotas.ts";
export { type CookieMiddlewareOptions, cookieMiddleware } from "./middleware/cookie.ts";
export type {
  SessionCookieFunction,
  SessionCookieOptions,
} from "./middleware/cookies/session-cookie-options.ts";
export { type SessionMiddleware, sessionMiddleware } from "./middleware/session.ts";
export type { SessionMiddlewareOptions } from "./middleware/session-options.ts";
export { type SessionStack, sessionMiddlewareStack } from "./middleware/stack.ts";
export type { ErrorListener } from "./observability/error-events.ts";
export type { MetricsRegister } from "./observability/metrics.ts";
export type { HistoryStats, RealtimeStats } from "./observability/realtime-stats.ts";
export type { WebSocketStats } from "./observability/web-socket-stats.ts";
export type { Outcomes } from "./outcomes/outcomes.ts";
export type { Closed, Connection } from "./realtime/connection.ts";
export type { ConnectionData } from "./realtime/data/connection-data.ts";
export {
  type UserConnectionStoreOptions,
  userConnectionStore,
} from "./realtime/data/user-connection-store.ts";
export type { EventDataArgument, EventMap, EventName } from "./realtime/messages/event-map.ts";
export type { EventHandler } from "./realtime/messages/events.ts";
export type { EventData, ProtocolErrorCode } from "./realtime/messages/protocol.ts";
export type { SchemaIssue, SchemaResult, StandardSchema } from "./realtime/messages/standard-schema.ts";
export type { ActiveSession, Realtime } from "./realtime/realtime.ts";
export { realtime } from "./realtime/realtime.ts";
export type { RealtimeOptions } from "./realtime/realtime-options.ts";
export type { ChannelHistory, HistoryOption } from "./realtime/recovery/history-rule.ts";
export type { HistoryQuery, KeptEvent } from "./realtime/recovery/kept-events.ts";
export type { GroupTarget, KeptTarget, SendOptions, Target } from "./realtime/target.ts";
export type { MemorySessionStoreOptions } from "./sessions/memory-session-store.ts";
export {
  type ConnectionHolder,
  type Ending,
  type EndReason,
  SessionEndings,
} from "./sessions/session-endings.ts";
export type {
  Base,
  SessionSnapshot,
  SessionStore,
  StoredSession,
  WriteResult,
} from "./sessions/session-store.ts";
export type { Clock } from "./time/clock.ts";
export type { DeletionReceipt } from "./users/deletion-receipt.ts";
export type { UserSession } from "./users/list-sessions.ts";
export type { Login } from "./users/login/login.ts";
export type { User } from "./users/login/user.ts";
export type { UserEvent, UserEventName, UserListener } from "./users/login/user-events.ts";
export type { IndexEntry, SessionIndex } from "./users/session-index/session-index.ts";
export { type UserRequest, type UserSessions, userSessions } from "./users/user-sessions.ts";
export type {
  DeleteUserSessionsOptions,
  ListUserSessionsOptions,
  UserSessionsOptions,
  VerifyUserSessionsOptions,
} from "./users/user-sessions-options.ts";
export type { AllSessionFindings } from "./users/verify-all-sessions.ts";
export type { SessionFindings } from "./users/verify-sessions.ts";
export type { Origins } from "./websocket/admission/origin.ts";
export type {
  CloseOptions,
  ConnectionListener,
  WebSocketSessionsOptions,
} from "./websocket/web-socket-options.ts";
export {
  type WebSocketSessions,
  webSocketSessions,
} from "./websocket/web-socket-sessions.ts";
