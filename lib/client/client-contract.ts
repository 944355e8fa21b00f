import type { EventDataArgument, EventMap, EventName } from "../realtime/messages/event-map.ts";
import type { RealtimeClientError } from "./client-error.ts";

/**
 * The state of a client.
 *
 * - `connecting`: an attempt is under way. This is the first state.
 * - `open`: the client is connected.
 * - `waiting`: the connection was lost, or did not open. Another attempt follows.
 * - `ended`: the client has ended, by `close()` or because the server said so. `reconnect()` begins anew.
 */
export type ClientState = "connecting" | "open" | "waiting" | "ended";

/** Details of a state. */
export interface StateInfo {
  /**
   * The close code, when `waiting` or `ended`: see `closeCodes`. It is `1006` if nobody gave a code, for example when
   * the server refused the handshake.
   */
  readonly code?: number;
  /** The reason sent with the code. If this side gave up the connection, it is `connect_timeout` or `no_answer`. */
  readonly reason?: string;
  /** Milliseconds until the next attempt, when `waiting`. */
  readonly retryInMs?: number;
  /**
   * Whether all messages that were missed have arrived, when `open` again on a server that keeps history. After `false`,
   * `onLost` has told the channels of the messages that are gone. It is absent if there was nothing to recover.
   */
  readonly recovered?: boolean;
}

/** Called with each state as it begins. */
export type StateListener = (state: ClientState, info: StateInfo) => unknown;

/** Options of `request`. */
export interface RequestOptions {
  /**
   * Whether the request is sent again after a reconnect, if the connection was lost before its answer. The server handles
   * it once, and gives the first answer again, for two minutes. The request and its repetitions have `requestTimeoutMs`
   * together. @default false
   */
  retry?: boolean;
}

/** A connection to `realtime()` that reconnects by itself. */
export interface RealtimeClient<
  ClientEvents extends EventMap<ClientEvents> = EventMap,
  ServerEvents extends EventMap<ServerEvents> = EventMap,
  Answers extends object = object,
> {
  /** The current state. */
  readonly state: ClientState;
  /**
   * Listens for an event of the server. The event may have any name: the client's own news never arrive here, but at
   * `onState` and `onError`. If a listener throws, the other listeners are still called. The error goes to
   * `reportError`, or is uncaught.
   */
  on<Type extends EventName<ServerEvents>>(type: Type, listener: (data: ServerEvents[Type]) => unknown): this;
  /** Stops listening. */
  off<Type extends EventName<ServerEvents>>(
    type: Type,
    listener: (data: ServerEvents[Type]) => unknown,
  ): this;
  /** Listens for changes of `state`. Each change is told once, in order. */
  onState(listener: StateListener): this;
  /** Stops listening. */
  offState(listener: StateListener): this;
  /**
   * Listens for the server's errors about messages of `send`, and for errors of waiting messages that could not be
   * sent. Without a listener, each error is a warning on the console.
   */
  onError(listener: (error: RealtimeClientError) => unknown): this;
  /** Stops listening. */
  offError(listener: (error: RealtimeClientError) => unknown): this;
  /**
   * Listens for channels of which messages are lost for good: `"user"`, or `"group:"` and the name of a group. Messages
   * that were missed arrive by themselves if the server still has them. If it has not, the page has to load anew what
   * it shows of the channel. The channel goes on with later messages.
   */
  onLost(listener: (channel: string) => unknown): this;
  /** Stops listening. */
  offLost(listener: (channel: string) => unknown): this;
  /**
   * Sends an event, or keeps it until the connection is open. Events are sent in order, and no event is sent twice. So
   * an event that left just before the connection was lost may be lost too. Use `request` to know whether it arrived.
   *
   * @throws {RealtimeClientError} `queue_full`, `not_sent` if the WebSocket refuses the event, or `closed` once the
   *   client has ended.
   * @throws {TypeError} for data that is no JSON.
   */
  send<Type extends EventName<ClientEvents>>(
    type: Type,
    ...data: EventDataArgument<ClientEvents, Type>
  ): void;
  /**
   * Sends an event, as `send` does, and resolves to the data of its answer.
   *
   * With `{ retry: true }` as the last argument, the event may be sent several times, and is handled once per user, or
   * per session without a user. If the connection is lost, the request waits for the next one as part of
   * `maxQueuedMessages`. It still rejects with `closed` if the queue is full, after `reconnect()`, and if the server asks
   * for a reconnect with another session or user (4009).
   *
   * @throws {RealtimeClientError} the server's code; `timeout` after `requestTimeoutMs`; `closed` if the connection is
   *   lost after the event was sent, or if the client ends; `queue_full`; `not_sent` if the WebSocket refuses it. With
   *   `retry` also `outcome_unknown`, if the event may have been handled but its answer is lost.
   */
  request<Type extends EventName<ClientEvents>>(
    type: Type,
    ...data: [...EventDataArgument<ClientEvents, Type>, options?: RequestOptions]
  ): Promise<Type extends keyof Answers ? Answers[Type] : unknown>;
  /**
   * Closes the connection, if there is one, and connects at once, with the cookies that the browser has now. Call it
   * after a login or logout. Waiting messages are kept. Requests that were sent reject with `closed`, as they do when a
   * connection is lost. The client connects without a wait, even if the server has asked it to wait. A client that has
   * ended begins anew, with its listeners. Several calls in a row count as one.
   */
  reconnect(): void;
  /**
   * Ends the client. Waiting messages are not sent, and requests reject with `closed`. No timer and no listener on the
   * page stays behind. `reconnect()` begins anew, with the listeners of this client.
   */
  close(): void;
}
