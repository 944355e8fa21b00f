export type {
  ClientState,
  RealtimeClient,
  RequestOptions,
  StateInfo,
  StateListener,
} from "./client/client-contract.ts";
export { RealtimeClientError, type RealtimeClientErrorCode } from "./client/client-error.ts";
export type { RealtimeClientOptions } from "./client/client-options.ts";
export { realtimeClient } from "./client/realtime-client.ts";
export type { WebSocketClass, WebSocketLike } from "./client/web-socket-like.ts";
export { type CloseReason, closeCodes } from "./close-codes.ts";
export type { EventDataArgument, EventMap, EventName } from "./realtime/messages/event-map.ts";
export type { EventData } from "./realtime/messages/protocol.ts";
