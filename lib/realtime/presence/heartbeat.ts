import { OutgoingMessage } from "../../lines/batch.ts";
import type { Clock } from "../../time/clock.ts";
import { eventText, HEARTBEAT } from "../messages/protocol.ts";
import type { RealtimeConnection } from "../realtime-connection.ts";
import type { RealtimeConfig } from "../realtime-options.ts";

/** The heartbeat that the server sends. */
const BEAT = new OutgoingMessage(eventText(HEARTBEAT));

/** Milliseconds for which a connection counts as active while this node does not read it. */
const MAX_UNREAD_MS = 300_000;

/** Finds dead lines and inactive users, and collects the connections that were active since the last tick. */
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

  /** Records activity of the user. A pong is none: it only shows that the line is alive. */
  heard(connection: RealtimeConnection, by: "heartbeat" | "message"): void {
    const { keepAlive } = this.#config;
    connection.keepsAlive ||= keepAlive === "message" || (keepAlive === "heartbeat" && by === "heartbeat");
    connection.unreadSince = undefined;
    this.#isThere(connection);
  }

  /** Returns the connections that were active since the last call. */
  drainActive(): RealtimeConnection[] {
    const heard = this.#heard;
    this.#heard = [];
    for (const connection of heard) connection.isHeard = false;
    return heard;
  }

  /** Closes inactive connections, ends the wait for handlers that hang, cuts dead lines, and sends due pings and heartbeats. */
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
        connection.write(BEAT);
      }
    }
  }

  /**
   * Whether this node does not read a connection because it has sent too much. What it has sent counts as activity for a
   * while. It keeps no session alive: nobody can know whether the user is still there.
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
    // A paused line's pong is not read either. But a write to a line that has dropped fails, and that ends it.
    connection.isAwaitingPong = !isPaused;
    connection.pingAt = now + this.#config.pingIntervalMs;
    connection.line.ping();
  }
}
