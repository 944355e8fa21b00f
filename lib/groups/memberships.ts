/** The result of joining. */
export type Joining = "joined" | "member" | "full";

/**
 * Which users are in which groups.
 *
 * The rules, which the conformance suite attacks:
 * - Joining and leaving are one atomic step each. The answer of `groupsOf` was true at one moment, whatever changes run
 *   at the same time.
 * - A membership lasts until the user leaves the group. It outlives connections, sessions and nodes, and never expires.
 * - `members` returns only users in the group. Once no change is under way, it returns all of them.
 *
 * User ids and names of groups are any strings of 1 to 256 UTF-16 code units that are well-formed Unicode. Longer names may
 * be stored from versions without that limit: they are returned, and can be left.
 */
export interface Memberships {
  /** Adds a user to a group, unless the user is in `maxGroups` groups already. */
  join(userId: string, group: string, maxGroups: number): Promise<Joining>;

  /** Removes a user from a group. Resolves to whether the user was in it. */
  leave(userId: string, group: string): Promise<boolean>;

  /** Whether a user is in a group. Takes the same time however many groups the user is in. */
  isMember(userId: string, group: string): Promise<boolean>;

  /** The groups of a user. */
  groupsOf(userId: string): Promise<string[]>;

  /** The users in a group. The time grows with their number. */
  members(group: string): Promise<string[]>;
}
