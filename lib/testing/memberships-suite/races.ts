import assert from "node:assert/strict";
import type { Joining, Memberships } from "../../groups/memberships.ts";
import { pause } from "../tools/interleaving.ts";
import { type SeededRandom, seededRandom } from "../tools/random.ts";
import { range } from "../tools/range.ts";
import { assertAlternate, Chronicle, type Span } from "../tools/spans.ts";
import { assertGroups, assertMembers, groupsOf, members, noLimit } from "./group-rules.ts";
import type { RuleDeclarer } from "./suite-options.ts";

const seeds = range(60).map((n) => n + 1);

/** Joining and leaving are one atomic step each. The members of groups and the groups of users agree. */
export function raceRules(rule: RuleDeclarer): void {
  rule(
    "tells one of many callers who add one user to one group that the user has joined",
    async (memberships) => {
      for (const n of range(10)) {
        const joinings = await Promise.all(range(20).map(() => memberships.join(`user ${n}`, "g", noLimit)));
        assert.equal(joinings.filter((joining) => joining === "joined").length, 1);
        assert.equal(joinings.filter((joining) => joining === "member").length, 19);
        const leavings = await Promise.all(range(20).map(() => memberships.leave(`user ${n}`, "g")));
        assert.equal(leavings.filter((wasThere) => wasThere).length, 1);
        await assertMembers(memberships, "g", []);
      }
    },
  );

  rule("joins 7 of 30 groups at the same time when the limit is 7", async (memberships) => {
    const groups = range(30).map((n) => `group ${n}`);
    const joinings = await Promise.all(groups.map((group) => memberships.join("u", group, 7)));
    const joined = groups.filter((_, at) => joinings[at] === "joined");
    assert.equal(joined.length, 7);
    assert.equal(joinings.filter((joining) => joining === "full").length, 23);
    await assertGroups(memberships, "u", joined);
    for (const group of groups) await assertMembers(memberships, group, joined.includes(group) ? ["u"] : []);
  });

  rule("never lists two groups of a user who leaves one before joining the next", async (memberships) => {
    for (const seed of seeds) {
      const userId = `user ${seed}`;
      let isMoving = true;
      const move = async () => {
        for (const n of range(6)) {
          assert.equal(await memberships.join(userId, `group ${n}`, 1), "joined", `seed ${seed}`);
          assert.equal(await memberships.leave(userId, `group ${n}`), true, `seed ${seed}`);
        }
      };
      const look = async () => {
        while (isMoving) {
          const found = await memberships.groupsOf(userId);
          assert.ok(found.length <= 1, `in ${found}, seed ${seed}`);
          await new Promise((resolve) => setImmediate(resolve));
        }
      };
      const moving = move().finally(() => {
        isMoving = false;
      });
      await Promise.all([moving, look(), look()]);
    }
  });

  rule("does not list a user who has left while other users join and leave", async (memberships) => {
    for (const seed of seeds) await raceOwnWays(memberships, seed);
  });

  rule("joining and leaving alternate in a race, and the groups agree at the end", async (memberships) => {
    for (const seed of seeds) await raceMemberships([memberships], seed);
  });
}

/** Several users join and leave at the same time. Each step of a user shows in the next answers. */
async function raceOwnWays(memberships: Memberships, seed: number): Promise<void> {
  const groups = range(3).map((n) => `seed ${seed} group ${n}`);
  await Promise.all(
    range(6).map(async (n) => {
      const random = seededRandom(100 * seed + n);
      const userId = `seed ${seed} user ${n}`;
      const own = new Set<string>();
      for (let steps = 8; steps > 0; steps--) {
        await pause(random);
        const group = random.pick(groups);
        const message = `seed ${seed}, ${userId}, ${group}`;
        if (random.chance(0.5)) {
          const isFull = own.size >= 2 && !own.has(group);
          const expected: Joining = own.has(group) ? "member" : isFull ? "full" : "joined";
          assert.equal(await memberships.join(userId, group, 2), expected, message);
          if (!isFull) own.add(group);
        } else {
          assert.equal(await memberships.leave(userId, group), own.delete(group), message);
        }
        await assertGroups(memberships, userId, [...own], message);
        assert.equal(await memberships.isMember(userId, group), own.has(group), message);
        const isFound = (await members(memberships, group)).includes(userId);
        assert.ok(own.has(group) || !isFound, `found though not a member: ${message}`);
      }
    }),
  );
}

/**
 * Races joins and leaves of a few users and groups. Each call goes to a random node. Asserts that joining and leaving
 * alternate, and that all nodes agree at the end.
 */
export async function raceMemberships(nodes: readonly Memberships[], seed: number): Promise<void> {
  const random = seededRandom(seed);
  const chronicle = new Chronicle();
  const userIds = range(2).map((n) => `seed ${seed} user ${n}`);
  const groups = range(3).map((n) => `seed ${seed} group ${n}`);
  const maxGroups = random.chance(0.5) ? 2 : noLimit;
  const joined = new Map<string, Span<unknown>[]>();
  const left = new Map<string, Span<unknown>[]>();

  async function step(): Promise<void> {
    const [userId, group, memberships] = [random.pick(userIds), random.pick(groups), random.pick(nodes)];
    const isJoining = random.chance(0.5);
    for (let turns = random.int(5); turns > 0; turns--) await pause(random);
    const span = await chronicle.during<boolean>(async () =>
      isJoining
        ? (await memberships.join(userId, group, maxGroups)) === "joined"
        : memberships.leave(userId, group),
    );
    const spans = isJoining ? joined : left;
    const key = `${userId} in ${group}`;
    if (span.result) spans.set(key, [...(spans.get(key) ?? []), span]);
  }

  async function look(): Promise<void> {
    const found = await lookAround(random, random.pick(nodes), userIds, groups);
    assert.ok(found.length <= maxGroups, `in ${found}`);
  }

  try {
    await Promise.all([...range(40).map(step), ...range(5).map(look)]);
    for (const userId of userIds) {
      const own = await groupsOf(nodes[0] as Memberships, userId);
      for (const memberships of nodes) await assertGroups(memberships, userId, own);
      for (const group of groups) {
        const key = `${userId} in ${group}`;
        assertAlternate(joined.get(key) ?? [], left.get(key) ?? [], own.includes(group));
        for (const memberships of nodes) {
          const isFound = (await members(memberships, group)).includes(userId);
          assert.equal(isFound, own.includes(group), `${key}, as its members say`);
        }
      }
    }
  } catch (cause) {
    throw new Error(`seed ${seed}: ${(cause as Error).message}`, { cause });
  }
}

/** The groups of a user. Asserts that neither they nor the members of a group have duplicates. */
async function lookAround(
  random: SeededRandom,
  memberships: Memberships,
  userIds: readonly string[],
  groups: readonly string[],
): Promise<string[]> {
  await pause(random);
  const [found, users] = await Promise.all([
    memberships.groupsOf(random.pick(userIds)),
    memberships.members(random.pick(groups)),
  ]);
  for (const list of [found, users]) assert.equal(new Set(list).size, list.length, `${list}`);
  return found;
}
