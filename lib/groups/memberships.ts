/** What came of joining. */
export type Joining = "joined" | "member" | "full";

/**
 * Which users are in which groups.
 *
 * The rules, which the conformance suite attacks:
 * - Joining and leaving are one atomic step each: what `groupsOf` says is true at one moment, whoever does what meanwhile.
 * - Memberships last until they are left: they outlive connections, sessions and nodes, and expire by nothing.
 * - Nobody is found among the `members` who is not in the group, and once nothing is under way nobody is missing.
 *
 * User ids and names of groups are any strings of 1 to 256 UTF-16 code units that are well-formed Unicode. Longer ones may
 * be stored from before that was the limit: they are told, and can be left.
 */
export interface Memberships {
  /** Puts a user into a group, unless that user is in `maxGroups` already. */
  join(userId: string, group: string, maxGroups: number): Promise<Joining>;

  /** Takes a user out of a group. Resolves to whether the user was in it. */
  leave(userId: string, group: string): Promise<boolean>;

  /** Whether a user is in a group. Takes the same time however many groups the user is in. */
  isMember(userId: string, group: string): Promise<boolean>;

  /** The groups of a user. */
  groupsOf(userId: string): Promise<string[]>;

  /** The users in a group. Takes as long as there are. */
  members(group: string): Promise<string[]>;
}
