import { MemoryQuotas } from "../memory/memory-quotas.ts";
import type { Joining, Memberships } from "./memberships.ts";

/** The memberships of one process. */
export class MemoryMemberships implements Memberships {
  readonly #byUser = new Map<string, Set<string>>();
  readonly #byGroup = new Map<string, Set<string>>();
  readonly #quotas: MemoryQuotas;

  constructor(quotas: MemoryQuotas = new MemoryQuotas()) {
    this.#quotas = quotas;
  }

  async join(userId: string, group: string, maxGroups: number): Promise<Joining> {
    const groups = this.#byUser.get(userId);
    if (groups?.has(group)) return "member";
    if ((groups?.size ?? 0) >= maxGroups) return "full";
    this.#quotas.memberships.check(1);
    this.#quotas.memberships.count(1);
    put(this.#byUser, userId, group);
    put(this.#byGroup, group, userId);
    return "joined";
  }

  async leave(userId: string, group: string): Promise<boolean> {
    take(this.#byGroup, group, userId);
    const wasIn = take(this.#byUser, userId, group);
    if (wasIn) this.#quotas.memberships.count(-1);
    return wasIn;
  }

  async isMember(userId: string, group: string): Promise<boolean> {
    return this.#byUser.get(userId)?.has(group) ?? false;
  }

  async groupsOf(userId: string): Promise<string[]> {
    return [...(this.#byUser.get(userId) ?? [])];
  }

  async members(group: string): Promise<string[]> {
    return [...(this.#byGroup.get(group) ?? [])];
  }
}

function put(sets: Map<string, Set<string>>, key: string, member: string): void {
  const members = sets.get(key);
  if (members) members.add(member);
  else sets.set(key, new Set([member]));
}

/** Answers whether it was there. */
function take(sets: Map<string, Set<string>>, key: string, member: string): boolean {
  const members = sets.get(key);
  const wasThere = members?.delete(member) ?? false;
  if (members?.size === 0) sets.delete(key);
  return wasThere;
}
