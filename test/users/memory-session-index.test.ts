import { describeSessionIndex } from "../../lib/testing/describe-session-index.ts";
import { MemorySessionIndex } from "../../lib/users/session-index/memory-session-index.ts";

describeSessionIndex("MemorySessionIndex", { create: () => new MemorySessionIndex() });

describe("MemorySessionIndex", () => {
  let now: number;
  let index: MemorySessionIndex;

  beforeEach(() => {
    now = 1_000_000;
    index = new MemorySessionIndex({ now: () => now });
  });

  async function usersWithEntries(userIds: readonly string[]): Promise<string[]> {
    const counts = await Promise.all(
      userIds.map(async (userId) => (await index.revoke(userId, "none")).length),
    );
    return userIds.filter((_, at) => counts[at]);
  }

  it("uses its own clock for an expiry", async () => {
    await index.enter("u", "a", 500);
    now += 100;
    await index.extend("u", "a", 700);
    expect(await index.entries("u")).toEqual([{ sid: "a", expiresAt: 1_000_800 }]);
  });

  it("sweeps an entry from the exact millisecond of its expiry", async () => {
    await index.enter("u", "a", 500);
    now += 499;
    await logInOthers(10);
    expect(await index.confirm("u", "a")).toBe(true);
    now++;
    await logInOthers(10);
    expect(await index.confirm("u", "a")).toBe(false);
  });

  it("sweeps users whose sessions have all expired, revoked or not, while others log in", async () => {
    const users = Array.from({ length: 400 }, (_, n) => `user ${n}`);
    for (const userId of users) await index.enter(userId, "a", 1_000);
    for (const userId of users.slice(0, 200)) await index.revoke(userId, undefined);
    now += 1_000;
    await logInOthers(200);
    expect(await usersWithEntries(users)).toEqual([]);
  });

  it("sweeps the expired sessions of a user and leaves the user's other sessions", async () => {
    await index.enter("u", "short", 1_000);
    await index.enter("u", "long", 60_000);
    now += 1_000;
    await logInOthers(10);
    expect(await index.revoke("u", undefined)).toEqual(["long"]);
  });

  // Once, a login read all entries of four users.
  it("sweeps some of the 12 000 expired sessions of one user with each login, and all of them in time", async () => {
    const sids = Array.from({ length: 12_000 }, (_, n) => `s${n}`);
    for (const sid of sids) await index.enter("u", sid, 1_000);
    for (const sid of sids.slice(0, 6_000)) await index.revokeOne("u", sid);
    const held = async () => (await index.entries("u")).length + (await index.revoked("u")).length;
    now += 1_000;
    for (let logins = 0, left = 12_000; left > 0; logins++) {
      await logInOthers(1);
      const before = left;
      left = await held();
      expect(before - left).toBeLessThanOrEqual(300);
      expect(logins).toBeLessThan(2_000);
    }
  });

  it("holds at most twice as many users as have living sessions, over logins of 10 000 users", async () => {
    const livingAtOnce = 100;
    const users = Array.from({ length: 10_000 }, (_, n) => `user ${n}`);
    for (const [at, userId] of users.entries()) {
      await index.enter(userId, "a", livingAtOnce);
      now++;
      if (at % 1_000 !== 999) continue;
      const held = await usersWithEntries(users.slice(0, at + 1));
      expect(held.length).toBeLessThanOrEqual(2 * livingAtOnce);
      expect(held.length).toBeGreaterThanOrEqual(livingAtOnce - 1);
    }
  });

  it("loses no user with a living session over 10 000 logins", async () => {
    const users = Array.from({ length: 10_000 }, (_, n) => `user ${n}`);
    for (const userId of users) {
      await index.enter(userId, "a", userId.endsWith("7") ? 1e9 : 5);
      now++;
    }
    const living = users.filter((userId) => userId.endsWith("7"));
    expect((await usersWithEntries(users)).filter((userId) => userId.endsWith("7"))).toEqual(living);
  });

  async function logInOthers(count: number): Promise<void> {
    for (let n = 0; n < count; n++) await index.enter(`other ${n}`, "a", 10_000_000);
  }
});
