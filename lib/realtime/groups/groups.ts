import { chunks } from "../../calls/in-batches.ts";
import { SessionStackError } from "../../errors.ts";
import type { Memberships } from "../../groups/memberships.ts";
import type { Position } from "../../history/history.ts";
import { isName } from "../../names/name.ts";
import { type Channels, groupChannel, userChannel } from "../delivery/channels.ts";
import { type Round, Rounds } from "../delivery/rounds.ts";
import type { Events } from "../messages/events.ts";
import { isOfUser, type OfUser, type RealtimeConnection } from "../realtime-connection.ts";
import type { RealtimeConfig } from "../realtime-options.ts";
import type { Joins } from "../recovery/joins.ts";
import { allowedGroups, type GroupAuthority } from "./allowed-groups.ts";
import type { MembershipChange, MembershipChanges } from "./membership-changes.ts";

/** The parts that groups need. */
export interface GroupsParts {
  readonly config: Pick<RealtimeConfig, "authorizeGroup" | "maxGroupsPerUser">;
  readonly memberships: Memberships;
  /** The changes of memberships that the nodes tell each other of. */
  readonly changes: MembershipChanges;
  readonly channels: Channels<RealtimeConnection>;
  readonly events: Events;
  /** Notes where users have joined, if messages are kept. */
  readonly joins: Joins | undefined;
  /** Called with the connections for which this node could not find out how their groups have changed. */
  unfollowed(connections: Iterable<OfUser>, error: unknown): void;
}

/** The most reads of a user's groups while the user keeps changing them. */
const MAX_READS = 100;
/** The same for a prune, which other connections wait for. */
const MAX_READS_OF_A_PRUNE = 5;
/** The most reads of one membership while the user keeps joining and leaving the group. */
const MAX_READS_OF_A_CHANGE = 5;

/** Channels that a connection enters at a time. The connection may be gone before it enters the next ones. */
const ENTERED_AT_A_TIME = 100;

/**
 * Keeps connections in the channels of their users' groups.
 *
 * The memberships are the truth. The node that changes them tells the nodes with connections of the user. Each of those
 * nodes then reads the memberships itself. A connection is registered before its groups are read. So either the change
 * comes first and is read, or the connection comes first and its node is told of the change. If this node is told of a
 * change during a read, it reads again: the result may be older than the change.
 */
export class Groups {
  readonly #parts: GroupsParts;
  /** The restores by user. For connections that come together, memberships are read once and the app is asked once. */
  readonly #restoring = new Rounds<OfUser>((round) => this.#restore(round));
  /** Stops following changes. */
  readonly close: () => void;
  readonly #authority: GroupAuthority;
  /** How often this node had reason to doubt what it had read so far. */
  #doubts = 0;

  constructor(parts: GroupsParts) {
    this.#parts = parts;
    this.#authority = { events: parts.events, authorize: parts.config.authorizeGroup };
    parts.channels.onLeft = (connections, group) => this.#leftUnheard(connections, group);
    this.close = parts.changes.follow((change) => this.#follow(change));
  }

  /** Puts a user into a group. Resolves once all connections of the user get its messages. */
  async join(userId: string, group: string): Promise<void> {
    await this.#checkAllowed(userId, group);
    const { memberships, changes, config, joins } = this.#parts;
    const isMember = () => memberships.isMember(userId, group);
    const since = await joins?.note(groupChannel(group), userId, isMember);
    await changes.make({ userId, group, isIn: true, since }, async () => {
      if ((await memberships.join(userId, group, config.maxGroupsPerUser)) === "full") throw tooMany();
    });
  }

  /** Takes a user out of a group. Once this resolves, new messages to the group reach no connection of the user. */
  async leave(userId: string, group: string): Promise<void> {
    const { memberships, changes } = this.#parts;
    await changes.make({ userId, group, isIn: false }, () => memberships.leave(userId, group));
    // This comes last: the nodes in the registry have followed. A node that an emptied Redis has lost hears this.
    await this.#parts.channels.tellLeft(userId, group);
  }

  /** The groups of a user. */
  of = (userId: string): Promise<string[]> => this.#parts.memberships.groupsOf(userId);

  /** The users in a group. */
  members = (group: string): Promise<string[]> => this.#parts.memberships.members(group);

  /** Puts a connection that has no user into a group. */
  async joinAlone(connection: RealtimeConnection, group: string): Promise<void> {
    await this.#checkAllowed(undefined, group);
    const isIn = connection.groups.has(group);
    const since = isIn ? undefined : await this.#parts.joins?.noteAlone(groupChannel(group), connection);
    // Nothing may come between the check and the entry: joins at the same time would all pass it.
    const { maxGroupsPerUser } = this.#parts.config;
    if (!connection.groups.has(group) && connection.groups.size >= maxGroupsPerUser) throw tooMany();
    await this.#enter(connection, [group], since);
  }

  leaveAlone(connection: RealtimeConnection, group: string): void {
    this.#parts.joins?.forgetAlone(groupChannel(group), connection);
    this.#exit(connection, group);
  }

  /** Puts a connection into all groups of its user that the app lets it into. */
  restore(connection: OfUser): Promise<void> {
    return this.#restoring.join(connection.userId, connection);
  }

  async #restore({ members }: Round<OfUser>): Promise<void> {
    const { memberships } = this.#parts;
    const isWanted = () => members.size > 0;
    // The app is asked once per group. While the user keeps changing groups, only the memberships are read again.
    const allowed = new Map<string, boolean>();
    for (let reads = 0; reads < MAX_READS; reads++) {
      const [first] = members;
      if (!first) return;
      const changes = this.#changesOf(first);
      const doubts = this.#doubts;
      const groups = (await memberships.groupsOf(first.userId)).filter(isName);
      const isMissing = (group: string) => [...members].some((connection) => !connection.groups.has(group));
      const unasked = groups.filter((group) => !allowed.has(group) && isMissing(group));
      for (const [group, is] of await allowedGroups(this.#authority, first, unasked, isWanted))
        allowed.set(group, is);
      if (!isWanted()) return;
      if (this.#changesOf(first) !== changes || this.#doubts !== doubts) continue;
      const entering = [...members].map((connection) => {
        this.#exitAllBut(connection, groups);
        // This includes groups that it was put into meanwhile: their messages may not arrive yet.
        const found = groups.filter((group) => connection.groups.has(group) || allowed.get(group));
        return this.#enter(connection, found);
      });
      await Promise.all(entering);
      return;
    }
    throw new SessionStackError(
      "ERR_STORE_UNAVAILABLE",
      `The groups of a user changed during each of ${MAX_READS} reads; join and leave less often.`,
    );
  }

  /** Has the reads under way made again: this node may not have been told of some change. */
  invalidate(): void {
    this.#doubts++;
  }

  /**
   * Takes a connection out of the groups that its user has left. It does not ask the app, so the app cannot hold it up.
   * If the user keeps changing groups, it leaves too many rather than too few: a restore follows.
   */
  async prune(connection: OfUser): Promise<void> {
    for (let reads = 1; ; reads++) {
      const changes = this.#changesOf(connection);
      const groups = await this.#parts.memberships.groupsOf(connection.userId);
      if (this.#changesOf(connection) !== changes && reads < MAX_READS_OF_A_PRUNE) continue;
      this.#exitAllBut(connection, groups);
      return;
    }
  }

  /** Takes a connection out of all its groups, and out of a restore if it has gone. */
  forget(connection: RealtimeConnection): void {
    for (const group of connection.groups) this.#exit(connection, group);
    if (connection.isGone && isOfUser(connection)) this.#restoring.leave(connection.userId, connection);
  }

  /** Takes connections out of a group that their user has left, if this node was not told of that before. */
  #leftUnheard(connections: ReadonlySet<RealtimeConnection>, group: string): void {
    const first = [...connections].filter(isOfUser).find(({ groups }) => groups.has(group));
    // If this fails, the node looks the groups up again later.
    if (first) this.#follow({ userId: first.userId, group, isIn: false }).catch(() => {});
  }

  async #follow({ userId, group, isIn, since }: MembershipChange): Promise<void> {
    const { memberships, channels } = this.#parts;
    const channel = channels.find(userChannel(userId));
    if (!channel) return;
    channel.changes++;
    const told = channel.told.get(group) ?? { changes: 0, running: 0 };
    channel.told.set(group, told);
    told.changes++;
    told.running++;
    // This happens at once: if nobody waited for this node, the next message may have been sent after the change.
    if (!isIn) for (const connection of channel.receivers) this.#exit(connection, group);
    try {
      for (let reads = 0; reads < MAX_READS_OF_A_CHANGE; reads++) {
        const { changes } = told;
        const isMember = await memberships.isMember(userId, group);
        if (told.changes !== changes) continue;
        const connections = [...channel.receivers];
        if (isMember) await Promise.all(connections.map((each) => this.#enter(each, [group], since)));
        else for (const connection of connections) this.#exit(connection, group);
        return;
      }
      // The call for the last of these changes reads after that change. So this call leaves the group as it is.
    } catch (error) {
      // The node that asks may not wait for this node. This node follows by itself once it can.
      this.#parts.unfollowed([...channel.receivers].filter(isOfUser), error);
      throw error;
    } finally {
      if (--told.running === 0) channel.told.delete(group);
    }
  }

  async #enter(connection: RealtimeConnection, groups: readonly string[], since?: Position): Promise<void> {
    // The connection may have gone meanwhile. Nobody would take it out again.
    if (connection.isGone) return;
    for (const group of groups) connection.addGroup(group);
    let failure: { readonly error: unknown } | undefined;
    for (const some of chunks(groups, ENTERED_AT_A_TIME)) {
      // The connection must not enter groups that it was taken out of meanwhile.
      const names = some.filter((group) => connection.groups.has(group)).map(groupChannel);
      await this.#parts.channels.enter(names, connection, since).catch((error) => {
        failure ??= { error };
      });
    }
    if (failure) throw failure.error;
  }

  #exitAllBut(connection: RealtimeConnection, kept: readonly string[]): void {
    const groups = new Set(kept);
    for (const group of connection.groups) if (!groups.has(group)) this.#exit(connection, group);
  }

  /** Counts the changes of the user's groups that this node was told of, for comparison. */
  #changesOf({ userId }: OfUser): number | undefined {
    return this.#parts.channels.find(userChannel(userId))?.changes;
  }

  #exit(connection: RealtimeConnection, group: string): void {
    if (connection.removeGroup(group)) this.#parts.channels.exit(groupChannel(group), connection);
  }

  async #checkAllowed(userId: string | undefined, group: string): Promise<void> {
    if (await this.#authority.authorize(userId, group)) return;
    throw new SessionStackError(
      "ERR_GROUP_FORBIDDEN",
      "authorizeGroup does not let this user into the group; nothing was changed.",
    );
  }
}

function tooMany(): SessionStackError {
  return new SessionStackError(
    "ERR_TOO_MANY_GROUPS",
    "The user is in as many groups as maxGroupsPerUser allows; leave one first.",
  );
}
