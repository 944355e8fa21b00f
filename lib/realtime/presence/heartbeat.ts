import { OutgoingMessage } from "../../lines/batch.ts";
import type { Clock } from "../../time/clock.ts";
import { eventText, HEARTBEAT } from "../messages/protocol.ts";
import type { RealtimeConnection } from "../realtime-connection.ts";
import type { RealtimeConfig } from "../realtime-options.ts";

/** The heartbeat that the server sends. */
const BEAT = new OutgoingMessage(eventText(HEARTBEAT));

/** Milliseconds for which a connection that is not read counts as heard, since it cannot be. */
const MAX_UNREAD_MS = 300_000;

/** Looks after the lines of a node: which are dead, which users are inactive, and who was heard since the last tick. */
export class Heartbeat {
  readonly #config: RealtimeConfig;
  readonly #clock: Clock;
  #heard: RealtimeConnection[] = [];

  constructor(config: RealtimeConfig) {
    this.#config = config;
    this.#clock = config.clock;
  }

  /** Begins to look after a connection. */
  begin(connection: RealtimeConnection): void {
    const now = this.#clock.now();
    connection.lastSeen = now;
    connection.pingAt = now + this.#config.pingIntervalMs;
    connection.beatAt = now + this.#config.heartbeatMs;
  }

  /** Notes that a user is there. Pongs do not: they show that the line is alive. */
  heard(connection: RealtimeConnection, by: "heartbeat" | "message"): void {
    const { keepAlive } = this.#config;
    connection.keepsAlive ||= keepAlive === "message" || (keepAlive === "heartbeat" && by === "heartbeat");
    connection.unreadSince = undefined;
    this.#isThere(connection);
  }

  /** The connections that were heard since this was last asked. */
  drainActive(): RealtimeConnection[] {
    const heard = this.#heard;
    this.#heard = [];
    for (const connection of heard) connection.isHeard = false;
    return heard;
  }

  /** Closes connections of inactive users, ends the wait for handlers that hang, cuts dead lines, and pings and beats those that are due. */
  look(connections: Iterable<RealtimeConnection>): void {
    const { pingIntervalMs, heartbeatMs, inactivityThresholdSeconds } = this.#config;
    const now = this.#clock.now();
    for (const connection of connections) {
      connection.inbox.look(now);
      if (this.#standsForItself(connection, now)) this.#isThere(connection);
      else if (now - connection.lastSeen >= inactivityThresholdSeconds * 1000) {
        connection.end("inactive");
        continue;
      }
      if (pingIntervalMs > 0 && now >= connection.pingAt) this.#ping(connection, now);
      if (heartbeatMs > 0 && now >= connection.beatAt) {
        connection.beatAt = now + heartbeatMs;
        connection.push(BEAT);
      }
    }
  }

  /**
   * Whether a connection is not read, for having sent too much: what it has sent stands for it, for a while. It keeps no
   * session alive: nobody can know whether its user is still there.
   */
  #standsForItself(connection: RealtimeConnection, now: number): boolean {
    if (!connection.line.isPaused) return false;
    connection.unreadSince ??= now;
    return now - connection.unreadSince < MAX_UNREAD_MS;
  }

  #isThere(connection: RealtimeConnection): void {
    connection.lastSeen = this.#clock.now();
    if (connection.isHeard) return;
    connection.isHeard = true;
    this.#heard.push(connection);
  }

  #ping(connection: RealtimeConnection, now: number): void {
    const { isPaused } = connection.line;
    if (connection.isAwaitingPong && !isPaused) {
      connection.line.terminate();
      return;
    }
    // Its pong is not read either; but a line that has dropped cannot be written to, which ends it.
    connection.isAwaitingPong = !isPaused;
    connection.pingAt = now + this.#config.pingIntervalMs;
    connection.line.ping();
  }
}
