import type { EventDataArgument, EventMap, EventName } from "../realtime/messages/event-map.ts";
import type { RealtimeClientError } from "./client-error.ts";

/**
 * - `connecting`: an attempt is under way; so it begins.
 * - `open`: connected.
 * - `waiting`: the connection was lost, or did not open; another attempt follows.
 * - `ended`: it is over, by `close()` or because the server said so; `reconnect()` begins anew.
 */
export type ClientState = "connecting" | "open" | "waiting" | "ended";

/** What is known of a state. */
export interface StateInfo {
  /** The close code, when `waiting` or `ended`: see `closeCodes`. `1006` if nobody said why, as for a handshake that was refused. */
  readonly code?: number;
  /** The reason sent with the code, or why this side gave the line up: `connect_timeout`, `no_answer`. */
  readonly reason?: string;
  /** Milliseconds until the next attempt, when `waiting`. */
  readonly retryInMs?: number;
}

/** Hears of a state as it begins. */
export type StateListener = (state: ClientState, info: StateInfo) => unknown;

/** A connection to `realtime()` that comes back by itself. */
export interface RealtimeClient<
  ClientEvents extends EventMap<ClientEvents> = EventMap,
  ServerEvents extends EventMap<ServerEvents> = EventMap,
  Answers extends object = object,
> {
  /** Its state now. */
  readonly state: ClientState;
  /**
   * Listens for an event of the server, whatever its name: what this client has to say itself is never among them, see
   * `onState` and `onError`. A listener that throws stops nobody; its error goes to `reportError`, or is uncaught.
   */
  on<Type extends EventName<ServerEvents>>(type: Type, listener: (data: ServerEvents[Type]) => unknown): this;
  /** Stops listening. */
  off<Type extends EventName<ServerEvents>>(
    type: Type,
    listener: (data: ServerEvents[Type]) => unknown,
  ): this;
  /** Listens for changes of `state`, each told once, in order. */
  onState(listener: StateListener): this;
  /** Stops listening. */
  offState(listener: StateListener): this;
  /** Listens for the server's errors about messages of `send`, and for those that waited and could not be sent. Unheard, they are a warning on the console. */
  onError(listener: (error: RealtimeClientError) => unknown): this;
  /** Stops listening. */
  offError(listener: (error: RealtimeClientError) => unknown): this;
  /**
   * Sends an event, or keeps it until the connection is open. Order is kept, and nothing is sent twice: what left just
   * before the connection was lost may be lost with it. Use `request` to know.
   *
   * @throws {RealtimeClientError} `queue_full`, `not_sent` if the WebSocket refuses it, or `closed` once the client has
   *   ended.
   * @throws {TypeError} for data that is no JSON.
   */
  send<Type extends EventName<ClientEvents>>(
    type: Type,
    ...data: EventDataArgument<ClientEvents, Type>
  ): void;
  /**
   * Sends an event, as `send` does, and resolves to the data of its answer.
   *
   * @throws {RealtimeClientError} the server's code; `timeout` after `requestTimeoutMs`; `closed` if the connection is
   *   lost after it was sent, or the client ends; `queue_full`; `not_sent` if the WebSocket refuses it.
   */
  request<Type extends EventName<ClientEvents>>(
    type: Type,
    ...data: EventDataArgument<ClientEvents, Type>
  ): Promise<Type extends keyof Answers ? Answers[Type] : unknown>;
  /**
   * Closes the connection, if there is one, and connects at once, with the cookies that the browser has now: for after a
   * login or logout. What waits is kept, and requests that were sent reject with `closed`, as with a connection that is
   * lost. It waits for nothing, also when the server has asked for it, and a client that has ended begins anew, with its
   * listeners. Calls in a row are one.
   */
  reconnect(): void;
  /**
   * Ends it. What waits is not sent, requests reject with `closed`, and no timer stays behind and no listener on the page.
   * `reconnect()` begins anew, with the listeners of this client.
   */
  close(): void;
}
