import assert from "node:assert/strict";
import type { SessionIndex } from "../../users/session-index/session-index.ts";
import { minuteMs } from "./index-state.ts";

/** The sessions of one user in a store. They are written and deleted in the steps that the contract names. */
export class UserModel {
  readonly #userId: string;
  readonly #pause: () => Promise<void>;
  /** The store: the ids of all live sessions, logged in or not. */
  readonly #stored = new Set<string>();
  /** The ids of live sessions that are logged in. */
  readonly #living = new Set<string>();
  /** The ids of sessions whose login has succeeded. */
  readonly #loggedIn = new Set<string>();

  constructor(userId: string, pause: () => Promise<void>) {
    this.#userId = userId;
    this.#pause = pause;
  }

  /** Writes the entry first and the session second, and confirms the entry third. */
  async logIn(index: SessionIndex, sid: string, isNewSession: boolean): Promise<void> {
    if (!isNewSession) this.#stored.add(sid);
    await index.enter(this.#userId, sid, minuteMs);
    await this.#pause();
    // A writer that finds the session changed meanwhile merges and repeats the step.
    if (!isNewSession) await index.enter(this.#userId, sid, minuteMs);
    await this.#pause();
    if (isNewSession) this.#stored.add(sid);
    if (this.#stored.has(sid)) {
      this.#living.add(sid);
      await this.#pause();
      if (await index.confirm(this.#userId, sid)) {
        this.#loggedIn.add(sid);
        return;
      }
      await this.#pause();
      this.#delete(sid);
    }
    await index.remove(this.#userId, [sid]);
  }

  async logOut(index: SessionIndex, sid: string): Promise<void> {
    if (!this.#loggedIn.has(sid)) return;
    this.#delete(sid);
    await this.#pause();
    await index.remove(this.#userId, [sid]);
  }

  async touch(index: SessionIndex, sid: string): Promise<void> {
    await index.extend(this.#userId, sid, 2 * minuteMs);
  }

  /** Revokes first, deletes second, removes third. A call that crashes in between is repeated. */
  async deleteAll(index: SessionIndex, except: string | undefined, crashes: boolean): Promise<void> {
    const before = [...this.#loggedIn].filter((sid) => sid !== except);
    // These include the excepted session if another call has revoked it at the same time.
    let sids = await index.revoke(this.#userId, except, 3);
    while (sids.length > 0) {
      await this.#pause();
      for (const sid of crashes ? sids.slice(0, sids.length / 2) : sids) {
        this.#delete(sid);
        await this.#pause();
      }
      if (crashes) return this.deleteAll(index, except, false);
      await index.removeRevoked(this.#userId, sids);
      sids = await index.revoked(this.#userId, 3);
    }
    for (const sid of before) assert.ok(!this.#living.has(sid), `${sid} had logged in before and lives`);
  }

  /** Asserts that exactly the live sessions are listed. Call it after all steps. */
  async assertAllListed(index: SessionIndex): Promise<void> {
    const listed = (await index.entries(this.#userId)).map(({ sid }) => sid).sort();
    assert.deepEqual(listed, [...this.#living].sort());
    for (const sid of listed) assert.equal(await index.confirm(this.#userId, sid), true, sid);
  }

  #delete(sid: string): void {
    this.#stored.delete(sid);
    this.#living.delete(sid);
  }
}
