import type { Request } from "express";
import type { WebSocket } from "ws";
import { type CloseReason, closeCodes } from "../close-codes.ts";
import type { ConnectionStore } from "../connections/connection-store.ts";
import type { ConnectionRecord } from "../connections/registry.ts";
import type { Position } from "../history/history.ts";
import { OutgoingMessage } from "../lines/batch.ts";
import type { Follower, Line } from "../lines/line.ts";
import type { OpenSession } from "../middleware/open-session.ts";
import type { Closed, Connection } from "./connection.ts";
import { type ConnectionData, connectionData } from "./data/connection-data.ts";
import { groupChannel } from "./delivery/channels.ts";
import type { Receiver } from "./delivery/delivery.ts";
import { clientChannel } from "./delivery/kept-delivery.ts";
import { checkedText } from "./messages/checked-text.ts";
import type { Correspondent } from "./messages/correspondent.ts";
import { Inbox, type InboxHost } from "./messages/inbox.ts";
import { Outgoing, type OutgoingHost } from "./messages/outgoing.ts";
import { eventText } from "./messages/protocol.ts";
import type { RealtimeConfig } from "./realtime-options.ts";

/** What all connections of a hub share. */
export interface ConnectionHost extends InboxHost, OutgoingHost {
  readonly config: RealtimeConfig;
  readonly store: ConnectionStore;
  readonly hub: ConnectionHub;
}

/** What a connection asks of the hub of its node. */
export interface ConnectionHub {
  readonly isStale: boolean;
  /** Called with each message of the client. */
  heard(connection: RealtimeConnection, by: "heartbeat" | "message"): void;
  /** Called when nothing reaches the connection any more: at the latest when it has closed. It may be called twice. */
  gone(connection: RealtimeConnection): void;
  closed(connection: RealtimeConnection): void;
  join(connection: RealtimeConnection, group: string): Promise<void>;
  leave(connection: RealtimeConnection, group: string): Promise<void>;
}

/** Most connections are in none. */
const NO_GROUPS: ReadonlySet<string> = new Set();
/** A normal closure (RFC 6455, section 7.4.1). */
const NORMAL = 1000;

/** A connection, with what its node keeps of it. Times are the clock's. */
export class RealtimeConnection implements Connection, Correspondent, Receiver, Follower {
  readonly id: string;
  readonly userId: string | undefined;
  /** The record in the registry. A connection without a user has none. */
  readonly record: ConnectionRecord | undefined;
  readonly open: OpenSession;
  readonly req: Request;
  readonly line: Line;
  readonly connectedAt: number;
  lastSeen: number;
  /** When a ping, a heartbeat, a touch of the session, a write of the last activity and a look at the groups are due. */
  pingAt = 0;
  beatAt = 0;
  touchAt = 0;
  writeAt = 0;
  lookAt = 0;
  unreadSince: number | undefined;
  isAwaitingPong = false;
  /** Whether the app was told of `connect`, how the connection was closed, and whether the hub has forgotten it. */
  isTold = false;
  closed: Closed | undefined;
  isGone = false;
  /** Whether the client was active since the last tick, and whether that keeps its session alive. */
  isHeard = false;
  keepsAlive = false;
  /** Whether the store may hold data of this connection. */
  hasData: boolean;
  readonly inbox: Inbox;
  readonly #host: ConnectionHost;
  #groups: Set<string> | undefined;
  readonly #outgoing: Outgoing;

  constructor(
    host: ConnectionHost,
    identity: ConnectionRecord | { id: string; userId: undefined; connectedAt: number },
    { req, open, line }: { req: Request; open: OpenSession; line: Line },
  ) {
    const { id, userId, connectedAt } = identity;
    this.id = id;
    this.userId = userId;
    this.record = identity.userId === undefined ? undefined : identity;
    this.open = open;
    this.req = req;
    this.line = line;
    this.connectedAt = connectedAt;
    this.lastSeen = connectedAt;
    // A store of the app may hold data of this connection already.
    this.hasData = host.config.connectionStore !== undefined;
    this.#host = host;
    this.inbox = new Inbox(host, this);
    this.#outgoing = new Outgoing(host, this);
  }

  get sid(): string {
    return this.req.sessionID;
  }

  get ws(): WebSocket {
    return this.line.webSocket as WebSocket;
  }

  get groups(): ReadonlySet<string> {
    return this.#groups ?? NO_GROUPS;
  }

  /** Adds a group. Returns whether the connection was not in it before. */
  addGroup(group: string): boolean {
    this.#groups ??= new Set();
    return this.#groups.size !== this.#groups.add(group).size;
  }

  /** Removes a group. Returns whether the connection was in it. */
  removeGroup(group: string): boolean {
    if (!this.#groups?.delete(group)) return false;
    this.#outgoing.forget(groupChannel(group));
    return true;
  }

  get store(): ConnectionData {
    return connectionData(this, this.#host.store);
  }

  send(type: string, data?: object): void {
    this.write(new OutgoingMessage(checkedText(eventText(type, data), this.#host.config.maxBufferedBytes)));
  }

  push(message: OutgoingMessage, channel: string): void {
    this.#outgoing.push(message, channel);
  }

  positioned(channel: string, position: Position, hasMoved: boolean): void {
    this.#outgoing.positioned(clientChannel(channel), position, hasMoved);
  }

  write(message: OutgoingMessage): void {
    this.#outgoing.write(message);
  }

  /** Lets the messages of channels through, now that the connection is in all its groups. */
  begin(): void {
    this.#outgoing.begin();
  }

  heard(by: "heartbeat" | "message"): void {
    this.#host.hub.heard(this, by);
  }

  onMessage(data: Buffer, isBinary: boolean): void {
    this.inbox.take(data, isBinary);
  }

  onControlFrame(bytes: number, isPong: boolean): void {
    if (!isPong || !this.isAwaitingPong) this.inbox.admit(bytes);
    if (isPong) this.isAwaitingPong = false;
  }

  /** Messages that were sent before a close leave before it. */
  onEnd(): void {
    this.#outgoing.flush();
  }

  onMute(): void {
    this.#outgoing.mute();
    this.#host.hub.gone(this);
  }

  onClose(code: number, reason: string): void {
    this.onMute();
    this.closed = { code, reason };
    this.inbox.closed();
    this.#host.hub.closed(this);
  }

  async join(group: string): Promise<void> {
    await this.#host.hub.join(this, group);
  }

  async leave(group: string): Promise<void> {
    await this.#host.hub.leave(this, group);
  }

  close(code: number = NORMAL, reason = ""): void {
    this.line.end(code, reason);
  }

  /** Closes for a reason that the client knows what to do about. */
  end(reason: CloseReason): void {
    this.#host.counts.ends.add(reason);
    this.line.end(closeCodes[reason], reason);
  }
}

/** A connection of a user. The registry has a record of it. */
export type OfUser = RealtimeConnection & { readonly userId: string; readonly record: ConnectionRecord };

export function isOfUser(connection: RealtimeConnection): connection is OfUser {
  return connection.userId !== undefined;
}
