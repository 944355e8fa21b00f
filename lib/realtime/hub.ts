import { bounded } from "../calls/bounded.ts";
import { Bounds } from "../calls/bounds.ts";
import type { ConnectionStore } from "../connections/connection-store.ts";
import { type Arrival, type ConnectionRecord, connectionId } from "../connections/registry.ts";
import type { Candidate, ConnectionHandler, Seat } from "../lines/attachable.ts";
import type { Line } from "../lines/line.ts";
import type { SessionKeeper } from "../middleware/session-keeper.ts";
import type { RealtimeStats } from "../observability/realtime-stats.ts";
import { Tally } from "../observability/tally.ts";
import { userAgentOf } from "../users/login/login.ts";
import { CatchUp } from "./catch-up.ts";
import { chosenConnectionStore } from "./chosen-connection-store.ts";
import { type ConnectionHost, type Counts, isOfUser, RealtimeConnection } from "./connection.ts";
import { Channels, userChannel } from "./delivery/channels.ts";
import { Groups, groupName } from "./groups/groups.ts";
import { ACK_TIMEOUT_MS } from "./groups/membership-changes.ts";
import { KeepAlive } from "./keep-alive.ts";
import type { Events } from "./messages/events.ts";
import type { InboxHost } from "./messages/inbox.ts";
import { Outbox } from "./messages/outbox.ts";
import { Heartbeat } from "./presence/heartbeat.ts";
import { Presence } from "./presence/presence.ts";
import type { RealtimeConfig } from "./realtime-options.ts";
import { tellOpened } from "./tell-opened.ts";
import { betweenWritesMs, TICK_MS, Tick } from "./tick.ts";

/** Try again later (IANA registry of close codes): the client is to come back. */
const TRY_AGAIN_LATER = 1013;

/** Handshakes of this process so far: ids are the node's, however many handlers it has. */
let count = 0;

/** The connections of this node, and what they have to do with those of the others. */
export class Hub implements ConnectionHandler {
  readonly presence: Presence;
  readonly channels: Channels<RealtimeConnection>;
  readonly groups: Groups;
  readonly #config: RealtimeConfig;
  readonly #nodeId: string;
  readonly #events: Events;
  readonly #store: ConnectionStore;
  readonly #connections = new Map<string, RealtimeConnection>();
  readonly #heartbeat: Heartbeat;
  readonly #host: ConnectionHost & InboxHost;
  readonly #toStop: (() => void)[];
  readonly #counts: Counts = { messagesIn: 0, bytesIn: 0, messagesOut: 0, bytesOut: 0, ends: new Tally() };

  constructor(config: RealtimeConfig, events: Events, keeper: SessionKeeper) {
    const { backend, bounds, node } = keeper.config;
    const thresholdMs = config.inactivityThresholdSeconds * 1000;
    // Whole ones, as a backend counts them.
    const graceMs = Math.ceil(config.graceMs);
    this.#config = config;
    this.#events = events;
    this.#nodeId = node.id;
    const ofRealtime = bounds.for("realtime");
    const ofUpkeep = bounds.for("maintenance");
    const registry = bounded(backend.registry, ofRealtime);
    const upkeepRegistry = bounded(backend.registry, ofUpkeep);
    const store = chosenConnectionStore(config, backend);
    this.#store = bounded(store, ofRealtime);
    this.#heartbeat = new Heartbeat(config);
    this.channels = new Channels(backend.bus, bounds, () => node.hasLapsed || catchUp.isBehind);
    this.presence = new Presence({
      registry,
      upkeepRegistry,
      lastingRegistry: backend.registry,
      bus: backend.bus,
      bounds: ofRealtime,
      upkeepBounds: ofUpkeep,
      clock: config.clock,
      events,
      nodeId: node.id,
      leaseMs: node.leaseMs,
      maxConnectionsPerUser: config.maxConnectionsPerUser,
      // What was heard is written now and then, up to a tick later, and a tick may wait for the one before it.
      expireAfterMs: thresholdMs + betweenWritesMs(thresholdMs) + 2 * TICK_MS,
      graceMs,
      graceAfterDeathMs: Math.max(0, graceMs - node.leaseMs),
      isOpen: (id) => this.#connections.has(id),
      clearData: async (connection) => this.#store.clear?.(connection),
    });
    this.groups = new Groups({
      memberships: bounded(backend.memberships, ofRealtime),
      registry,
      node,
      asking: new Bounds(bounds.timeoutMs + ACK_TIMEOUT_MS),
      channels: this.channels,
      events,
      maxGroups: config.maxGroupsPerUser,
      authorize: config.authorizeGroup,
      unfollowed: (connections, error) => catchUp.lookUpLater(connections, error),
    });
    this.#host = {
      outbox: new Outbox(),
      events,
      store: this.#store,
      mayHaveData: config.connectionStore !== undefined,
      counts: this.#counts,
      maxBufferedBytes: config.maxBufferedBytes,
      maxMessagesPerSecond: config.maxMessagesPerSecond,
      maxBytesPerSecond: config.maxBytesPerSecond,
      handlerTimeoutMs: config.handlerTimeoutMs,
      isStale: () => node.hasLapsed || catchUp.isStale,
      now: () => config.clock.now(),
      after: (ms, step) => config.clock.after(ms, step),
      gone: (connection) => this.#forget(connection),
      closed: (connection) => this.#tellClosed(connection),
      heard: (connection, by) => this.#heartbeat.heard(connection, by),
      join: (connection, group) =>
        isOfUser(connection)
          ? this.groups.join(connection.userId, groupName(group))
          : this.groups.joinAlone(connection, groupName(group)),
      leave: async (connection, group) =>
        isOfUser(connection)
          ? this.groups.leave(connection.userId, groupName(group))
          : this.groups.leaveAlone(connection, groupName(group)),
    };
    const catchUp = new CatchUp({
      connections: this.#connections,
      clock: config.clock,
      presence: this.presence,
      groups: this.groups,
      channels: this.channels,
      revalidate: () => keeper.config.store.endings.revalidateAll(),
      goOn: () => {
        for (const { inbox } of this.#connections.values()) inbox.goOn();
      },
      report: this.#report,
    });
    this.#toStop = [this.groups.changes.close, node.onGap((hasLapsed) => catchUp.begin(hasLapsed))];
    const tick = new Tick({
      connections: this.#connections,
      clock: config.clock,
      heartbeat: this.#heartbeat,
      keepAlive: new KeepAlive(keeper),
      presence: this.presence,
      channels: this.channels,
      catchUp,
      registry: upkeepRegistry,
      store: bounded(store, ofUpkeep),
      betweenWritesMs: betweenWritesMs(thresholdMs),
      report: this.#report,
    });
    const upkeep = () => {
      void this.groups.changes.tick();
      for (const each of [tick, catchUp]) each.run().catch(this.#report);
    };
    this.#toStop.push(config.clock.every(TICK_MS, upkeep));
  }

  find(id: string): RealtimeConnection | undefined {
    return this.#connections.get(id);
  }

  async admit(candidate: Candidate): Promise<Seat | undefined> {
    const { req, userId } = candidate;
    const id = connectionId(this.#nodeId, ++count);
    const connectedAt = this.#config.clock.now();
    if (userId === undefined)
      return { open: (line) => this.#open({ id, userId, connectedAt }, candidate, line), giveUp() {} };
    const { sessionID: sid, ip } = req;
    const record: ConnectionRecord = { id, userId, sid, ip, userAgent: userAgentOf(req), connectedAt };
    const arrival = await this.presence.arrive(record);
    if (arrival === "full") return undefined;
    return {
      open: (line) => this.#open(record, candidate, line, arrival),
      giveUp: () => this.presence.giveUp(record, arrival),
    };
  }

  get stats(): RealtimeStats {
    const { ends, ...counts } = this.#counts;
    return {
      connections: this.#connections.size,
      users: this.channels.count("user"),
      groups: this.channels.count("group"),
      ...counts,
      slowConsumers: ends.get("slow_consumer"),
      rateLimited: ends.get("rate_limited"),
      inactive: ends.get("inactive"),
    };
  }

  async close(): Promise<void> {
    for (const stop of this.#toStop) stop();
    this.channels.close();
    await this.presence.close();
  }

  #open(
    identity: ConnectionRecord | { id: string; userId: undefined; connectedAt: number },
    { req, open }: Candidate,
    line: Line,
    arrival?: Arrival,
  ): void {
    const connection = new RealtimeConnection(this.#host, identity, { req, open, line });
    this.#connections.set(connection.id, connection);
    this.#heartbeat.begin(connection);
    // Its arrival is written.
    connection.writeAt =
      connection.connectedAt + betweenWritesMs(this.#config.inactivityThresholdSeconds * 1000);
    line.follow(connection);
    void this.#begin(connection);
    if (identity.userId !== undefined) this.presence.opened(identity, arrival as Arrival);
  }

  /** Restores the groups of a connection and lets it be heard. */
  async #begin(connection: RealtimeConnection): Promise<void> {
    try {
      if (isOfUser(connection)) {
        // Its groups are read meanwhile: both are there before it is heard.
        const listening = this.channels.enter([userChannel(connection.userId)], connection);
        await Promise.all([listening, this.groups.restore(connection)]);
      }
    } catch (error) {
      this.#events.errors.report(error, connection);
      connection.close(TRY_AGAIN_LATER, "try_again_later");
      return;
    }
    if (connection.line.isMuted) return;
    const parts = { config: this.#config, events: this.#events, tellClosed: this.#tellClosed };
    if (!(await tellOpened(connection, parts))) return;
    connection.inbox.open();
    if (connection.closed) this.#tellClosed(connection);
  }

  readonly #tellClosed = (connection: RealtimeConnection): void => {
    if (connection.isTold && connection.closed)
      void this.#events.tell("disconnect", connection, connection.closed);
  };

  /** From the mute on it gets nothing, so nobody is to think that it is there. */
  #forget(connection: RealtimeConnection): void {
    if (!this.#connections.delete(connection.id)) return;
    if (connection.record) this.presence.depart(connection.record);
    connection.isGone = true;
    if (isOfUser(connection)) this.channels.exit(userChannel(connection.userId), connection);
    this.groups.forget(connection);
    if (connection.hasData) void this.#store.clear?.(connection).catch(this.#report);
  }

  readonly #report = (error: unknown): void => this.#events.errors.report(error, undefined);
}
