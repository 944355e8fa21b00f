import { nodeOf } from "../connections/registry.ts";
import { ATTACH, type Attachable } from "../lines/attachable.ts";
import type { SessionKeeper } from "../middleware/session-keeper.ts";
import type { RealtimeStats } from "../observability/realtime-stats.ts";
import { markMade } from "../options/made-here.ts";
import { type User, userIdOf } from "../users/login/user.ts";
import type { Closed, Connection } from "./connection.ts";
import { groupChannel, userChannel } from "./delivery/channels.ts";
import { groupName, storedGroupName } from "./groups/group-name.ts";
import { Hub } from "./hub.ts";
import type { EventMap, EventName } from "./messages/event-map.ts";
import { type EventHandler, Events } from "./messages/events.ts";
import type { StandardSchema } from "./messages/standard-schema.ts";
import { type RealtimeOptions, realtimeConfig } from "./realtime-options.ts";
import { type HistoryQuery, type KeptEvent, keptEvents } from "./recovery/kept-events.ts";
import { type GroupTarget, type KeptTarget, type Target, targetOf } from "./target.ts";

/** An open connection of a user, on any node. Times are in milliseconds since the epoch. */
export interface ActiveSession {
  /** The connection's id. */
  readonly id: string;
  /** The id of the node that has the connection. */
  readonly node: string;
  /** The id of the connection's session. It is a secret: the cookie consists of this id and a signature. */
  readonly sid: string;
  /** The client's address, according to the app's `trust proxy`. */
  readonly ip: string | undefined;
  /** The first 512 characters of the handshake's `User-Agent`. */
  readonly userAgent: string | undefined;
  /** When the connection was opened. */
  readonly connectedAt: number;
  /**
   * When the user was last heard on this connection. The time is exact for connections of this node. For other nodes,
   * it may lag by a quarter of `inactivityThresholdSeconds`, at most by a minute.
   */
  readonly lastSeen: number;
}

/** Heartbeats, groups, and messages to all devices of a user, on all nodes. */
export interface Realtime<
  ClientEvents extends EventMap<ClientEvents> = EventMap,
  ServerEvents extends EventMap<ServerEvents> = EventMap,
> extends Attachable {
  /** Listens for new connections, once their groups are restored. Their events wait until all listeners are done. */
  on(event: "connect", listener: (connection: Connection<ServerEvents>) => unknown): this;
  /** Listens for closed connections. It is told only of connections that `connect` was told of. */
  on(event: "disconnect", listener: (connection: Connection<ServerEvents>, closed: Closed) => unknown): this;
  /**
   * Listens for users who come online and go offline. Each change is told once, on one node, however many devices the
   * user has. If two nodes tell changes at almost the same time, they may be heard in either order. An app that stores
   * a status should ask `activeSessions`.
   */
  on(event: "online" | "offline", listener: (userId: string) => unknown): this;
  /** Listens for failures that happen beside an answer. Without a listener, each error is a process warning. */
  on(
    event: "error",
    listener: (error: Error, connection: Connection<ServerEvents> | undefined) => unknown,
  ): this;
  /**
   * Handles events that clients send. Events of one connection are handled one after the other. The handler's return
   * value is the answer's data. If the handler throws, the answer is an error, and an `error` event follows. If the
   * thrown error has `expose: true`, as http-errors have it, the client is told its `code` and `message`.
   *
   * @throws {TypeError} if these events have a handler already, or if the name is realtime's own.
   */
  on<Type extends EventName<ClientEvents>>(
    type: Type,
    handler: EventHandler<ClientEvents[Type], ServerEvents>,
  ): this;
  /** The same, but a Standard Schema (zod, valibot or another) checks the data first. */
  on<Type extends EventName<ClientEvents>, Output extends ClientEvents[Type]>(
    type: Type,
    schema: StandardSchema<Output>,
    handler: EventHandler<Output, ServerEvents>,
  ): this;
  /** Removes a listener or a handler. */
  off(event: string, listener: (...args: never[]) => unknown): this;
  /**
   * Puts a user into a group, from any node. Resolves once all connections of the user, on all nodes, get the group's
   * messages. It waits one second for a node that does not answer, and such a node follows when it goes on. A
   * membership lasts until `leave` ends it.
   *
   * @throws {SessionStackError} `ERR_GROUP_FORBIDDEN` if `authorizeGroup` says no, `ERR_TOO_MANY_GROUPS` above
   *   `maxGroupsPerUser`, `ERR_STORE_UNAVAILABLE` if the backend fails.
   */
  join(user: User, group: string): Promise<void>;
  /**
   * Takes a user out of a group, on all nodes. Messages that are sent to the group after this has resolved do not reach
   * the user. The name may be longer than `join` allows.
   */
  leave(user: User, group: string): Promise<void>;
  /** The groups that a user is in, connected or not. */
  groupsOf(user: User): Promise<string[]>;
  /** The ids of the users in a group, connected or not. */
  members(group: string): Promise<string[]>;
  /**
   * The ids of the users in a group who are online, in the sense of `online` and `offline`. A user also counts as
   * online if the last connection closed less than `graceMs` ago, or if its node has died and was not found dead yet.
   */
  presence(group: string): Promise<string[]>;
  /** A user's connections, on all nodes, the oldest first. */
  activeSessions(user: User): Promise<ActiveSession[]>;
  /** Figures of this node. */
  stats(): RealtimeStats;
  /** All connections of the users in a group. */
  group(name: string): GroupTarget<ServerEvents>;
  /** All connections of a user. */
  user(user: User): KeptTarget<ServerEvents>;
  /**
   * All connections of several users. Each user is sent a message once. This suits as many users as a program may have.
   * As many separate sends at once would not find a place.
   */
  users(users: Iterable<User> & object): Target<ServerEvents>;
}

/**
 * A handler for WebSocket sessions, with heartbeats, groups and messages to every device:
 * `wsSessions.attach(realtime())`.
 *
 * @throws {TypeError} that names the option which is wrong.
 */
export function realtime<
  ClientEvents extends EventMap<ClientEvents> = EventMap,
  ServerEvents extends EventMap<ServerEvents> = EventMap,
>(options: RealtimeOptions = {}): Realtime<ClientEvents, ServerEvents> {
  const config = realtimeConfig(options);
  const events = new Events();
  let hub: Hub | undefined;

  function attached(): Hub {
    if (!hub) throw new TypeError("realtime: attach it first, by wsSessions.attach(…)");
    return hub;
  }

  function target(name: string, exceptId?: string): Target<ServerEvents> {
    const { channels } = attached();
    return targetOf(
      (text, sending) => channels.publish(name, text, { ...sending, exceptId }),
      config.maxBufferedBytes,
    );
  }

  async function history(name: string, query?: HistoryQuery): Promise<KeptEvent[]> {
    const { recovery } = attached();
    if (!recovery)
      throw new TypeError('realtime: history needs the option "history", as realtime({ history: {} })');
    return keptEvents(recovery.history, recovery.rule, name, query);
  }

  async function activeSessions(user: User): Promise<ActiveSession[]> {
    const { presence } = attached();
    const found = await presence.ofUser(userIdOf(user));
    return found.map(({ id, sid, ip, userAgent, connectedAt, lastSeen }) => ({
      id,
      node: nodeOf(id),
      sid,
      ip,
      userAgent,
      connectedAt,
      // This node knows the exact time for its own connections.
      lastSeen: attached().find(id)?.lastSeen ?? lastSeen,
    }));
  }

  const self: Realtime<ClientEvents, ServerEvents> = {
    on(name: string, ...rest: unknown[]) {
      events.on(name, ...(rest as Parameters<Events["on"]> extends [string, ...infer Rest] ? Rest : never));
      return self;
    },
    off(name, listener) {
      events.off(name, listener);
      return self;
    },
    join: async (user, group) => attached().groups.join(userIdOf(user), groupName(group)),
    leave: async (user, group) => attached().groups.leave(userIdOf(user), storedGroupName(group)),
    groupsOf: async (user) => attached().groups.of(userIdOf(user)),
    members: async (group) => attached().groups.members(groupName(group)),
    presence: async (group) => attached().presence.online(await attached().groups.members(groupName(group))),
    activeSessions,
    stats: () => attached().stats,
    group(name) {
      const channel = groupChannel(groupName(name));
      return {
        ...target(channel),
        except: ({ id }) => target(channel, id),
        history: (query) => history(channel, query),
      };
    },
    user(user) {
      const channel = userChannel(userIdOf(user));
      return { ...target(channel), history: (query) => history(channel, query) };
    },
    users(users) {
      if (typeof users === "string")
        throw new TypeError(
          "realtime: users takes a list of users, as users([ada, bob]); for one user there is user(ada)",
        );
      const { channels } = attached();
      const names = [...new Set([...users].map((user) => userChannel(userIdOf(user))))];
      return targetOf(
        (text, { isKept }) => channels.publishAll(names, text, isKept),
        config.maxBufferedBytes,
      );
    },
    [ATTACH](keeper: SessionKeeper) {
      if (hub)
        throw new TypeError(
          "realtime: it is attached already; make another one for other WebSocket sessions",
        );
      hub = new Hub(config, events, keeper);
      return hub;
    },
  };
  return markMade(self);
}
