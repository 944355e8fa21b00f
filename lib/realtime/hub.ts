import { bounded } from "../calls/bounded.ts";
import type { ConnectionIdentity, ConnectionStore } from "../connections/connection-store.ts";
import { type Arrival, type ConnectionRecord, connectionId } from "../connections/registry.ts";
import type { Candidate, ConnectionHandler, Seat } from "../lines/attachable.ts";
import type { Line } from "../lines/line.ts";
import type { SessionKeeper } from "../middleware/session-keeper.ts";
import type { RealtimeStats } from "../observability/realtime-stats.ts";
import { Tally } from "../observability/tally.ts";
import { userAgentOf } from "../users/login/login.ts";
import { CatchUp } from "./catch-up.ts";
import { connectionHub } from "./connection-hub.ts";
import { chosenConnectionStore } from "./data/chosen-connection-store.ts";
import { DataUpkeep } from "./data/data-upkeep.ts";
import { Channels, userChannel } from "./delivery/channels.ts";
import { Groups } from "./groups/groups.ts";
import { MembershipChanges } from "./groups/membership-changes.ts";
import { type Recovery, recoveryOf } from "./kept-history.ts";
import type { Counts } from "./messages/counts.ts";
import type { Events } from "./messages/events.ts";
import { FlushQueue } from "./messages/flush-queue.ts";
import { Heartbeat } from "./presence/heartbeat.ts";
import { KeepAlive } from "./presence/keep-alive.ts";
import { LastSeen } from "./presence/last-seen.ts";
import { Presence } from "./presence/presence.ts";
import { Registries } from "./presence/registries.ts";
import { type ConnectionHost, isOfUser, RealtimeConnection } from "./realtime-connection.ts";
import type { RealtimeConfig } from "./realtime-options.ts";
import { HISTORY } from "./recovery/history-requests.ts";
import { Retries } from "./retries/retries.ts";
import { tellOpened } from "./tell-opened.ts";
import { type Step, Tick } from "./tick.ts";
import { TICK_MS } from "./times.ts";

/** Try again later (IANA registry of close codes). The client comes back. */
const TRY_AGAIN_LATER = 1013;

/** The number of handshakes of this process so far. Several handlers of one node share the numbers. */
let count = 0;

/** Holds the connections of this node, and connects its parts: channels, presence, groups, heartbeats. */
export class Hub implements ConnectionHandler {
  readonly presence: Presence;
  readonly channels: Channels<RealtimeConnection>;
  readonly groups: Groups;
  /** The history of channels, if messages are kept. */
  readonly recovery: Recovery | undefined;
  readonly #config: RealtimeConfig;
  readonly #nodeId: string;
  readonly #events: Events;
  readonly #store: ConnectionStore;
  readonly #connections = new Map<string, RealtimeConnection>();
  readonly #data: DataUpkeep;
  readonly #heartbeat: Heartbeat;
  readonly #lastSeen: LastSeen;
  readonly #host: ConnectionHost;
  readonly #toStop: (() => void)[];
  readonly #counts: Counts = { messagesIn: 0, bytesIn: 0, messagesOut: 0, bytesOut: 0, ends: new Tally() };

  constructor(config: RealtimeConfig, events: Events, keeper: SessionKeeper) {
    const { backend, bounds, node, store: sessions } = keeper.config;
    this.#config = config;
    this.#events = events;
    this.#nodeId = node.id;
    const connections = this.#connections;
    const report = this.#report;
    const registries = new Registries(backend.registry, bounds);
    const store = chosenConnectionStore(config, backend);
    this.#store = bounded(store, registries.bounds);
    this.#data = new DataUpkeep(store, registries.upkeepBounds, report);
    this.#heartbeat = new Heartbeat(config);
    this.recovery = recoveryOf(config, backend, { bounds, report });
    const outcomes = backend.outcomes && bounded(backend.outcomes, bounds.for("realtime"));
    const isBehind = () => node.hasLapsed || catchUp.isBehind;
    this.channels = new Channels(backend.bus, bounds, isBehind, this.recovery?.keep);
    this.presence = new Presence({ config, registries, bus: backend.bus, node, events, holder: this });
    const changes = new MembershipChanges(registries.asked, node, bounds.timeoutMs);
    this.groups = new Groups({
      config,
      memberships: bounded(backend.memberships, registries.bounds),
      changes,
      channels: this.channels,
      joins: this.recovery?.joins,
      events,
      unfollowed: (unfollowed, error) => catchUp.lookUpLater(unfollowed, error),
    });
    const catchUp = new CatchUp({
      connections,
      clock: config.clock,
      presence: this.presence,
      groups: this.groups,
      channels: this.channels,
      hub: { revalidate: () => sessions.endings.revalidateAll(), goOn: () => this.#goOn(), report },
    });
    this.#lastSeen = new LastSeen(config, registries.upkeep, (lost) => catchUp.reconcile(lost));
    const keepAlive = new KeepAlive(keeper);
    const steps: Step[] = [
      (heard) => this.#lastSeen.write(heard),
      () => this.presence.tick(),
      (_, beating) => keepAlive.refresh(beating),
      (heard) => this.#data.refresh(heard),
    ];
    const tick = new Tick(this.#heartbeat, steps, report);
    this.#host = {
      config,
      events,
      counts: this.#counts,
      flushes: new FlushQueue(),
      retries: new Retries({ outcomes, config, report: (...failed) => events.errors.report(...failed) }),
      store: this.#store,
      hub: connectionHub(this.groups, this.#heartbeat, {
        isStale: () => node.hasLapsed || catchUp.isStale,
        gone: (connection) => this.#forget(connection),
        closed: this.#tellClosed,
      }),
    };
    const { recovery } = this;
    if (recovery) events.handleOwn(HISTORY, (reader, data) => recovery.requests.answer(reader, data));
    const look = async () => {
      this.#heartbeat.look(connections.values());
      this.channels.tick();
      this.#data.tick();
    };
    const upkeep = () => {
      void changes.tick();
      for (const each of [look(), tick.run(), catchUp.run()]) each.catch(report);
    };
    this.#toStop = [
      this.groups.close,
      node.onGap((hasLapsed) => {
        this.channels.invalidate();
        catchUp.begin(hasLapsed);
      }),
      config.clock.every(TICK_MS, upkeep),
    ];
  }

  find(id: string): RealtimeConnection | undefined {
    return this.#connections.get(id);
  }

  isOpen(id: string): boolean {
    return this.#connections.has(id);
  }

  clearData(connection: ConnectionIdentity): void {
    this.#data.clear(connection);
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
      history: this.recovery && { ...this.recovery.counts },
    };
  }

  async close(): Promise<void> {
    for (const stop of this.#toStop) stop();
    this.channels.close();
    await Promise.all([this.presence.close(), this.#data.close()]);
  }

  #goOn(): void {
    for (const { inbox } of this.#connections.values()) inbox.goOn();
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
    this.#lastSeen.begin(connection);
    line.follow(connection);
    void this.#begin(connection);
    if (identity.userId !== undefined) this.presence.opened(identity, arrival as Arrival);
  }

  /** Restores the groups of a connection, then lets its events be handled. */
  async #begin(connection: RealtimeConnection): Promise<void> {
    try {
      if (isOfUser(connection)) {
        // The groups are read at the same time. Both are complete before an event is handled.
        const listening = this.channels.enter([userChannel(connection.userId)], connection);
        await Promise.all([listening, this.groups.restore(connection)]);
      }
    } catch (error) {
      this.#events.errors.report(error, connection);
      connection.close(TRY_AGAIN_LATER, "try_again_later");
      return;
    }
    if (connection.line.isMuted) return;
    connection.begin();
    const parts = { config: this.#config, events: this.#events, tellClosed: this.#tellClosed };
    if (!(await tellOpened(connection, parts))) return;
    connection.inbox.open();
    if (connection.closed) this.#tellClosed(connection);
  }

  readonly #tellClosed = (connection: RealtimeConnection): void => {
    if (connection.isTold && connection.closed)
      void this.#events.tell("disconnect", connection, connection.closed);
  };

  /** A muted connection gets nothing any more, so it must not count as present. */
  #forget(connection: RealtimeConnection): void {
    if (!this.#connections.delete(connection.id)) return;
    if (connection.record) this.presence.depart(connection.record);
    connection.isGone = true;
    if (isOfUser(connection)) this.channels.exit(userChannel(connection.userId), connection);
    this.groups.forget(connection);
    if (connection.hasData) this.clearData(connection);
  }

  readonly #report = (error: unknown): void => this.#events.errors.report(error, undefined);
}
