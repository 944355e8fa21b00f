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
import { HISTORY_RULES, type HistoryOption, type HistoryRule, historyRule } from "./recovery/history-rule.ts";

/** Options of `realtime`. */
export interface RealtimeOptions {
  /**
   * Seconds after which a connection expires if it sends no heartbeat and no message. An expired connection is not
   * among the active sessions, gets no messages, and is closed with 4008. Clients send a heartbeat every 15 to 30 s.
   * @default 60
   */
  inactivityThresholdSeconds?: number;
  /**
   * Milliseconds between protocol pings. If a client has not answered by the next ping, its connection is cut. `0`
   * turns pings off. @default 30_000
   */
  pingIntervalMs?: number;
  /**
   * The activity that keeps the express-session alive, at most once in its `touchAfterMs`. `"message"` means any
   * message, including heartbeats. @default "heartbeat"
   */
  keepAlive?: "heartbeat" | "message" | "none";
  /**
   * Milliseconds that a user stays online without a connection. So a page reload takes nobody offline.
   * @default 5_000
   */
  graceMs?: number;
  /**
   * Messages that one connection may send in a second, including pings and unasked pongs. A burst of as
   * many may come first. A connection that sends more is closed with 4029. @default 100
   */
  maxMessagesPerSecond?: number;
  /**
   * Bytes of messages that one connection may send in a second. A burst of as many may come first. A connection
   * that sends more is closed with 4029. @default 1_048_576
   */
  maxBytesPerSecond?: number;
  /**
   * Milliseconds that a handler may take, including its schema. The timeout may come up to a second late. Then the
   * event is answered with the error `handler_timeout`, and the next event is handled. The same time limits the
   * listeners of `connect`. If they take longer, the connection is closed with 1011. @default 30_000
   */
  handlerTimeoutMs?: number;
  /** Connections that a user may have, on all nodes. The handshake of one more is answered with 429. @default 100 */
  maxConnectionsPerUser?: number;
  /** Groups that a user, or a connection without a user, may be in. @default 1_000 */
  maxGroupsPerUser?: number;
  /**
   * Bytes of earlier messages that a client may leave unread. A client that leaves more unread is closed with 4013.
   * Messages that are due in one turn may be larger together, as long as the client keeps reading them.
   * @default 1_048_576
   */
  maxBufferedBytes?: number;
  /**
   * Decides which users may be in a group. It is called at each `join`, and again for each new connection of a member.
   * For a connection without a user, `userId` is `undefined`. If the call for a new connection fails or takes more than
   * ten seconds, an `error` event follows, and the connection is not put into the group. The user stays a member.
   * @default everybody may
   */
  authorizeGroup?: (userId: string | undefined, group: string) => boolean | Promise<boolean>;
  /**
   * The store of the data of `connection.store`, or a function that makes the store from the backend.
   * @default the backend, for as long as the connection is open
   */
  connectionStore?: ConnectionStore | ((backend: Backend) => ConnectionStore);
  /**
   * Heartbeats that the server sends, for clients that only answer.
   * @default { enabled: false, frequencyMs: 20_000 }
   */
  heartbeat?: {
    /** Whether the server sends heartbeats. @default false */
    enabled?: boolean;
    /** Milliseconds between two heartbeats. @default 20_000 */
    frequencyMs?: number;
  };
  /**
   * Keeps the last messages of groups and users for a while, so that clients that were away receive them. A function
   * chooses the history of a channel, such as `group:lobby` or `user:ada`; `false` keeps nothing of it.
   * @default nothing is kept
   */
  history?: HistoryOption;
  /** The clock. @default that of the process */
  clock?: Clock;
}

type Defaulted = Required<Omit<RealtimeOptions, "connectionStore" | "heartbeat" | "history">>;

/** The options with their defaults, checked. */
export interface RealtimeConfig extends Readonly<Defaulted> {
  readonly connectionStore: RealtimeOptions["connectionStore"];
  /** Chooses the history of each channel. Without it nothing is kept. */
  readonly history: HistoryRule | undefined;
  /** Milliseconds between heartbeats that the server sends. `0` means none. */
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
  history: {
    expected: "an object, as { maxMessages: 100, maxAgeSeconds: 300 }, or a function that answers one",
    isRight: (value) => typeof value === "function" || isOptionsObject(value),
    inside: HISTORY_RULES,
  },
  clock: {
    expected: "a clock, with now, every and after",
    isRight: (value) => hasMethods(value, "now", "every", "after"),
  },
});

/** Checks the options, and adds the defaults. @throws {TypeError} that names the option. */
export function realtimeConfig(options?: RealtimeOptions): RealtimeConfig {
  const given = checked(options);
  const { enabled = false, frequencyMs = HEARTBEAT_MS } = given.heartbeat ?? {};
  return over(DEFAULTS, {
    ...given,
    connectionStore: given.connectionStore,
    history: given.history && historyRule(given.history),
    heartbeatMs: enabled ? frequencyMs : 0,
  });
}
