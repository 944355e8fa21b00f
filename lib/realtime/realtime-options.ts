import type { Backend } from "../backend/backend.ts";
import type { ConnectionStore } from "../connections/connection-store.ts";
import { isConnectionStore } from "../connections/connection-store.ts";
import { optionsCheck } from "../options/options-check.ts";
import { isOptionsObject, over } from "../options/options-object.ts";
import {
  above0,
  aFunction,
  delay,
  delayOr0,
  hasMethods,
  limit,
  oneOf,
  type Rules,
  trueOrFalse,
} from "../options/rule.ts";
import { type Clock, systemClock } from "../time/clock.ts";
import { userConnectionStore } from "./data/user-connection-store.ts";

/** Options of `realtime`. */
export interface RealtimeOptions {
  /**
   * Seconds after which a connection that sent no heartbeat and no message is expired: it is not among the active
   * sessions, gets no messages, and is closed with 4008. Clients send a heartbeat every 15 to 30 s. @default 60
   */
  inactivityThresholdSeconds?: number;
  /** Milliseconds between protocol pings; a line that has not answered by the next one is cut. `0` turns them off. @default 30_000 */
  pingIntervalMs?: number;
  /** What keeps the express-session alive, at most once in its `touchAfterMs`; with `"message"` heartbeats do, too. @default "heartbeat" */
  keepAlive?: "heartbeat" | "message" | "none";
  /** Milliseconds that a user stays online without a connection, so that a reload makes nobody offline. @default 5_000 */
  graceMs?: number;
  /** Messages of one connection a second, pings and unasked pongs too, after as many at once; more close it with 4029. @default 100 */
  maxMessagesPerSecond?: number;
  /** Bytes of one connection's messages a second, after as many at once; more close it with 4029. @default 1_048_576 */
  maxBytesPerSecond?: number;
  /**
   * Milliseconds that a handler may take, its schema too, up to a second more: then its event is answered with the error
   * `handler_timeout`, and the next one is handled. It is also what a listener of `connect` may take, whose connection is
   * then closed with 1011. @default 30_000
   */
  handlerTimeoutMs?: number;
  /** Connections that a user may have, on all nodes; one more is answered with 429. @default 100 */
  maxConnectionsPerUser?: number;
  /** Groups that a user, or a connection without a user, may be in. @default 1_000 */
  maxGroupsPerUser?: number;
  /**
   * Bytes of earlier messages that a client may leave unread; more close its connection with 4013. Messages that are due in
   * one turn may be larger, as long as the client goes on to read them. @default 1_048_576
   */
  maxBufferedBytes?: number;
  /**
   * Decides who may be in a group: asked at each `join`, and again for each new connection of a member. For a connection
   * without a user, `userId` is `undefined`. If it fails for a new connection, or takes more than ten seconds, that is an
   * `error` event and the connection is not put into the group; the user stays a member. @default everybody may
   */
  authorizeGroup?: (userId: string | undefined, group: string) => boolean | Promise<boolean>;
  /** Where `connection.store` keeps its data, or what makes it of the backend. @default the backend, for as long as the connection is open */
  connectionStore?: ConnectionStore | ((backend: Backend) => ConnectionStore);
  /** Heartbeats that the server sends, for clients that only answer. @default { enabled: false, frequencyMs: 20_000 } */
  heartbeat?: {
    /** Whether the server sends any. @default false */
    enabled?: boolean;
    /** Milliseconds between two. @default 20_000 */
    frequencyMs?: number;
  };
  /** The clock. @default that of the process */
  clock?: Clock;
}

type Defaulted = Required<Omit<RealtimeOptions, "connectionStore" | "heartbeat">>;

/** The options with their defaults, checked. */
export interface RealtimeConfig extends Readonly<Defaulted> {
  readonly connectionStore: RealtimeOptions["connectionStore"];
  /** Milliseconds between heartbeats that the server sends; `0` for none. */
  readonly heartbeatMs: number;
}

const DEFAULTS: Readonly<Defaulted> = Object.freeze({
  inactivityThresholdSeconds: 60,
  pingIntervalMs: 30_000,
  keepAlive: "heartbeat",
  graceMs: 5_000,
  maxMessagesPerSecond: 100,
  maxBytesPerSecond: 1_048_576,
  handlerTimeoutMs: 30_000,
  maxConnectionsPerUser: 100,
  maxGroupsPerUser: 1_000,
  maxBufferedBytes: 1_048_576,
  authorizeGroup: () => true,
  clock: systemClock,
});

const HEARTBEAT_MS = 20_000;

const HEARTBEAT: Rules<NonNullable<RealtimeOptions["heartbeat"]>> = {
  enabled: trueOrFalse,
  frequencyMs: delay,
};

const checked = optionsCheck<RealtimeOptions>("realtime", {
  inactivityThresholdSeconds: above0,
  pingIntervalMs: delayOr0,
  keepAlive: oneOf("heartbeat", "message", "none"),
  graceMs: delayOr0,
  maxMessagesPerSecond: above0,
  maxBytesPerSecond: above0,
  handlerTimeoutMs: delay,
  maxConnectionsPerUser: limit,
  maxGroupsPerUser: limit,
  maxBufferedBytes: above0,
  authorizeGroup: aFunction,
  connectionStore: {
    expected: "a connection store, with get, set, delete and refresh, or a function that makes one",
    isRight: (value) =>
      (typeof value === "function" && value !== userConnectionStore) || isConnectionStore(value),
    fix: (value) => (value === userConnectionStore ? "call it: userConnectionStore()" : undefined),
  },
  heartbeat: {
    expected: "an object, as { enabled: true, frequencyMs: 20_000 }",
    isRight: isOptionsObject,
    inside: HEARTBEAT,
  },
  clock: {
    expected: "a clock, with now, every and after",
    isRight: (value) => hasMethods(value, "now", "every", "after"),
  },
});

/** Checks the options and puts the defaults under them. @throws {TypeError} that names the option. */
export function realtimeConfig(options?: RealtimeOptions): RealtimeConfig {
  const given = checked(options);
  const { enabled = false, frequencyMs = HEARTBEAT_MS } = given.heartbeat ?? {};
  return over(DEFAULTS, {
    ...given,
    connectionStore: given.connectionStore,
    heartbeatMs: enabled ? frequencyMs : 0,
  });
}
