import assert from "node:assert/strict";
import type { Memberships } from "../../groups/memberships.ts";

/** A limit of groups that nobody reaches. */
export const noLimit: number = Number.POSITIVE_INFINITY;

/** The groups of a user, sorted. */
export async function groupsOf(memberships: Memberships, userId: string): Promise<string[]> {
  return (await memberships.groupsOf(userId)).sort();
}

/** The users in a group, sorted. */
export async function members(memberships: Memberships, group: string): Promise<string[]> {
  return (await memberships.members(group)).sort();
}

/** Asserts that a user is in exactly these groups. */
export async function assertGroups(
  memberships: Memberships,
  userId: string,
  groups: readonly string[],
  message?: string,
): Promise<void> {
  assert.deepEqual(await groupsOf(memberships, userId), [...groups].sort(), message);
}

/** Asserts that exactly these users are in a group. */
export async function assertMembers(
  memberships: Memberships,
  group: string,
  userIds: readonly string[],
  message?: string,
): Promise<void> {
  assert.deepEqual(await members(memberships, group), [...userIds].sort(), message);
}
