import assert from "node:assert/strict";
import type { SessionIndex } from "../../users/session-index/session-index.ts";
import { pause } from "../tools/interleaving.ts";
import { seededRandom } from "../tools/random.ts";
import { enteredSids, minuteMs, range } from "./index-state.ts";
import { UserModel } from "./races-model.ts";
import type { RuleDeclarer } from "./suite-options.ts";

const seeds = range(100).map((n) => n + 1);

/** Either a revocation finds a login, or the login finds itself revoked. */
export function raceRules(rule: RuleDeclarer): void {
  rule("keeps the entries of 100 logins at the same time", async (index) => {
    const sids = range(100).map((n) => `s${n}`);
    await Promise.all(sids.map((sid) => index.enter("u", sid, minuteMs)));
    assert.deepEqual(await enteredSids(index, "u"), [...sids].sort());
  });

  rule("does not confirm a login after its revocation has resolved", async (index) => {
    for (const seed of seeds) {
      const random = seededRandom(seed);
      const userId = `user ${seed}`;
      await index.enter(userId, "a", minuteMs);
      let isRevoked = false;
      const attack = async (step: () => Promise<unknown>) => {
        await pause(random);
        await step();
      };
      const enter = () => index.enter(userId, "a", minuteMs);
      const extend = () => index.extend(userId, "a", 2 * minuteMs);
      const confirm = async () => {
        const wasRevoked = isRevoked;
        const isConfirmed = await index.confirm(userId, "a");
        assert.ok(!(wasRevoked && isConfirmed), `confirmed after the revocation, seed ${seed}`);
      };
      const revoke = async () => {
        assert.deepEqual(await index.revoke(userId, undefined), ["a"]);
        isRevoked = true;
      };
      const steps = [enter, enter, extend, extend, confirm, confirm, confirm, revoke];
      await Promise.all(steps.map(attack));
      assert.equal(await index.confirm(userId, "a"), false, `seed ${seed}`);
    }
  });

  rule("no login escapes a deletion of the user's sessions", async (index) => {
    for (const seed of seeds) await raceLogins([index], seed);
  });
}

/**
 * Races logins, logouts, touches and deletions of one user. Each call goes to the index of a random node. Asserts the
 * rules of the model.
 */
export async function raceLogins(nodes: readonly SessionIndex[], seed: number): Promise<void> {
  const random = seededRandom(seed);
  const model = new UserModel(`user ${seed}`, () => pause(random));
  const steps = range(24).map((n) => {
    const index = random.pick(nodes);
    const kind = random.int(10);
    const crashes = random.chance(0.3);
    const isNewSession = random.chance(0.6);
    const sid = `s${n}`;
    if (kind < 6) return () => model.logIn(index, sid, isNewSession);
    if (kind === 6) return () => model.logOut(index, `s${random.int(n + 1)}`);
    if (kind === 7) return () => model.touch(index, `s${random.int(n + 1)}`);
    const except = random.chance(0.3) ? `s${random.int(24)}` : undefined;
    return () => model.deleteAll(index, except, crashes);
  });
  try {
    await Promise.all(
      steps.map(async (step) => {
        for (let turns = random.int(4); turns > 0; turns--) await pause(random);
        await step();
      }),
    );
    for (const index of nodes) await model.assertAllListed(index);
  } catch (cause) {
    throw new Error(`seed ${seed}: ${(cause as Error).message}`, { cause });
  }
}
