import { chunks } from "../../calls/in-batches.ts";
import { SessionStackError } from "../../errors.ts";
import type { Memberships } from "../../groups/memberships.ts";
import { isText } from "../../names/is-text.ts";
import { isName, MAX_NAME_LENGTH } from "../../names/name.ts";
import { type Channels, groupChannel, userChannel } from "../delivery/channels.ts";
import type { Events } from "../messages/events.ts";
import { isOfUser, type OfUser, type RealtimeConnection } from "../realtime-connection.ts";
import type { RealtimeConfig } from "../realtime-options.ts";
import { allowedGroups, type GroupAuthority } from "./allowed-groups.ts";
import type { MembershipChange, MembershipChanges } from "./membership-changes.ts";
import { type Round, Rounds } from "./rounds.ts";

/** What groups need. */
export interface GroupsParts {
  readonly config: Pick<RealtimeConfig, "authorizeGroup" | "maxGroupsPerUser">;
  readonly memberships: Memberships;
  /** What the nodes tell each other of changes. */
  readonly changes: MembershipChanges;
  readonly channels: Channels<RealtimeConnection>;
  readonly events: Events;
  /** Called for connections whose node could not find out what has become of their groups. */
  unfollowed(connections: Iterable<OfUser>, error: unknown): void;
}

/** How often the groups are read of a user who changes them all the while; and while others wait for it. */
const MAX_READS = 100;
const MAX_READS_OF_A_PRUNE = 5;
/** How often one group is read of a user who joins and leaves it all the while. */
const MAX_READS_OF_A_CHANGE = 5;

/** Channels that a connection enters at a time: it may be gone before the next. */
const ENTERED_AT_A_TIME = 100;

/**
 * Keeps connections in the channels of their users' groups.
 *
 * What the memberships say is true. Who changes them tells the nodes with connections of the user, each of which then
 * looks for itself; and a connection is registered before its groups are read. So either the change comes first and is
 * read, or the connection does and is told of. A read during which a change is told of is made again: it may be older.
 */
export class Groups {
  readonly #parts: GroupsParts;
  /** By users: of connections that come together, the memberships are read, and the app is asked, once. */
  readonly #restoring = new Rounds<OfUser>((round) => this.#restore(round));
  /** Follows no changes any more. */
  readonly close: () => void;
  readonly #authority: GroupAuthority;
  /** How often there was reason to doubt what had been read so far. */
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
    const { memberships, changes, config } = this.#parts;
    await changes.make({ userId, group, isIn: true }, async () => {
      if ((await memberships.join(userId, group, config.maxGroupsPerUser)) === "full") throw tooMany();
    });
  }

  /** Takes a user out of a group. What is sent to it after this has resolved reaches no connection of the user. */
  async leave(userId: string, group: string): Promise<void> {
    const { memberships, changes } = this.#parts;
    await changes.make({ userId, group, isIn: false }, () => memberships.leave(userId, group));
    // Last: the nodes that the registry knows have followed. One that it has lost, as an emptied Redis has, hears this.
    await this.#parts.channels.tellLeft(userId, group);
  }

  /** The groups of a user. */
  of = (userId: string): Promise<string[]> => this.#parts.memberships.groupsOf(userId);

  /** The users in a group. */
  members = (group: string): Promise<string[]> => this.#parts.memberships.members(group);

  /** Puts a connection that has no user into a group. */
  async joinAlone(connection: RealtimeConnection, group: string): Promise<void> {
    await this.#checkAllowed(undefined, group);
    const { maxGroupsPerUser } = this.#parts.config;
    if (!connection.groups.has(group) && connection.groups.size >= maxGroupsPerUser) throw tooMany();
    await this.#enter(connection, [group]);
  }

  leaveAlone(connection: RealtimeConnection, group: string): void {
    this.#exit(connection, group);
  }

  /** Puts a connection into the groups of its user: all that it may be in. */
  restore(connection: OfUser): Promise<void> {
    return this.#restoring.join(connection.userId, connection);
  }

  async #restore({ members }: Round<OfUser>): Promise<void> {
    const { memberships } = this.#parts;
    const isWanted = () => members.size > 0;
    // Of each it is asked once: a user who joins and leaves all the while has only the memberships read again.
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
        // Also those that it was put into meanwhile: what is sent to them may not arrive yet.
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

  /** Something may have changed that this node was not told of: what is being read is read again. */
  invalidate(): void {
    this.#doubts++;
  }

  /**
   * Takes a connection out of what its user has left, which asks no app, so that none holds up those who wait for it.
   * Of a user who changes groups all the while it takes too much rather than too little: a restore follows.
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

  /** Takes a connection that has gone out of its groups. */
  forget(connection: RealtimeConnection): void {
    for (const group of connection.groups) this.#exit(connection, group);
    if (connection.isGone && isOfUser(connection)) this.#restoring.leave(connection.userId, connection);
  }

  /** Takes connections out of a group if this node was not told before that their user has left it. */
  #leftUnheard(connections: ReadonlySet<RealtimeConnection>, group: string): void {
    const [first] = [...connections].filter((connection) => connection.groups.has(group)).filter(isOfUser);
    // What this node could not find out, it looks up by itself.
    if (first) this.#follow({ userId: first.userId, group, isIn: false }).catch(() => {});
  }

  async #follow({ userId, group, isIn }: MembershipChange): Promise<void> {
    const { memberships, channels } = this.#parts;
    const channel = channels.find(userChannel(userId));
    if (!channel) return;
    channel.changes++;
    const told = channel.told.get(group) ?? { changes: 0, running: 0 };
    channel.told.set(group, told);
    told.changes++;
    told.running++;
    // At once: what this node hears next may have been sent after it, if nobody could wait for this node any longer.
    if (!isIn) for (const connection of channel.receivers) this.#exit(connection, group);
    try {
      for (let reads = 0; reads < MAX_READS_OF_A_CHANGE; reads++) {
        const { changes } = told;
        const isMember = await memberships.isMember(userId, group);
        if (told.changes !== changes) continue;
        const connections = [...channel.receivers];
        if (isMember) await Promise.all(connections.map((connection) => this.#enter(connection, [group])));
        else for (const connection of connections) this.#exit(connection, group);
        return;
      }
      // Whoever was told of the last of these changes has read after it, and leaves the group as it is.
    } catch (error) {
      // Whoever asks may not wait for this node: it follows by itself once it can.
      this.#parts.unfollowed([...channel.receivers].filter(isOfUser), error);
      throw error;
    } finally {
      if (--told.running === 0) channel.told.delete(group);
    }
  }

  async #enter(connection: RealtimeConnection, groups: readonly string[]): Promise<void> {
    // Gone while it was asked for: nobody would take it out again.
    if (connection.isGone) return;
    for (const group of groups) connection.addGroup(group);
    let failure: { readonly error: unknown } | undefined;
    for (const some of chunks(groups, ENTERED_AT_A_TIME)) {
      // What it was taken out of meanwhile it must not enter.
      const names = some.filter((group) => connection.groups.has(group)).map(groupChannel);
      await this.#parts.channels.enter(names, connection).catch((error) => {
        failure ??= { error };
      });
    }
    if (failure) throw failure.error;
  }

  #exitAllBut(connection: RealtimeConnection, kept: readonly string[]): void {
    const groups = new Set(kept);
    for (const group of connection.groups) if (!groups.has(group)) this.#exit(connection, group);
  }

  /** What was told so far of changes of the user's groups, as a number to compare. */
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

/** Checks the name of a group: any characters, from 1 to 256 of them. @throws {TypeError} */
export function groupName(group: string): string {
  if (isName(group)) return group;
  throw new TypeError(`expected the name of a group: a string of 1 to ${MAX_NAME_LENGTH} characters`);
}

/** Checks the name of a group that the app takes a user out of: it may have been joined when names could be longer. */
export function storedGroupName(group: string): string {
  return isText(group) && group.length > MAX_NAME_LENGTH ? group : groupName(group);
}
