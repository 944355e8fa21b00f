import { minuteMs, shorten } from "../../lib/testing/session-index-suite/index-state.ts";
import { RedisSessionIndex } from "../../lib/users/session-index/redis-session-index.ts";
import { eventually } from "../support/eventually.ts";
import { connectRedis, type RedisClient, uniquePrefix } from "../support/redis-client.ts";

/** A key may outlive its last entry by so much, so that the entry is there as long as its session. */
const graceMs = 2_500;

/** What `RedisSessionIndex` leaves in Redis, and for how long. */
describe("RedisSessionIndex keeps", () => {
  let client: RedisClient;
  let prefix: string;
  let index: RedisSessionIndex;
  let begunAt: number;

  beforeAll(async () => {
    client = await connectRedis();
  });

  afterAll(() => client.destroy());

  beforeEach(() => {
    prefix = uniquePrefix("index");
    index = new RedisSessionIndex(client, prefix);
    begunAt = Date.now();
  });

  function keys(): Promise<string[]> {
    return client.keys(`${prefix}*`);
  }

  async function expectKeyExpiresIn(ms: number, userId = "u"): Promise<void> {
    const left = await client.pTTL(`${prefix}user:${userId}:sessions`);
    expect(left).toBeLessThanOrEqual(ms + graceMs);
    expect(left).toBeGreaterThan(ms - 2_000 - (Date.now() - begunAt));
  }

  it("one sorted set a user, of session ids by the time at which they expire", async () => {
    await index.enter("u", "a", minuteMs);
    await index.enter("u", "b", 2 * minuteMs);
    await index.enter("v:{1}", "a", minuteMs);
    expect((await keys()).sort()).toEqual([`${prefix}user:u:sessions`, `${prefix}user:v:{1}:sessions`]);
    expect(await client.type(`${prefix}user:u:sessions`)).toBe("zset");
    const members = await client.zRangeWithScores(`${prefix}user:u:sessions`, 0, -1);
    expect(members.map(({ value }) => value)).toEqual(["a", "b"]);
    for (const [at, ms] of [minuteMs, 2 * minuteMs].entries()) {
      expect(members[at]?.score).toBeGreaterThanOrEqual(begunAt + ms - 1_500);
      expect(members[at]?.score).toBeLessThanOrEqual(Date.now() + ms + 1_500);
    }
  });

  it("a revoked entry with its expiry below zero, to the millisecond", async () => {
    await index.enter("u", "a", minuteMs);
    await index.enter("u", "forever", Number.POSITIVE_INFINITY);
    const before = await client.zScore(`${prefix}user:u:sessions`, "a");
    await index.revoke("u", undefined);
    await index.revoke("u", undefined);
    await index.revokeOne("u", "a");
    expect(await client.zScore(`${prefix}user:u:sessions`, "a")).toBe(-(before as number));
    expect(await client.zScore(`${prefix}user:u:sessions`, "forever")).toBeLessThan(-8.64e15);
  });

  it("the key until its last entry expires, whichever entry that is", async () => {
    await index.enter("u", "a", minuteMs);
    await expectKeyExpiresIn(minuteMs);
    await index.enter("u", "b", 10 * minuteMs);
    await expectKeyExpiresIn(10 * minuteMs);
    await index.enter("u", "c", 5 * minuteMs);
    await expectKeyExpiresIn(10 * minuteMs);
    await index.extend("u", "a", 20 * minuteMs);
    await expectKeyExpiresIn(20 * minuteMs);
    await shorten(index, "u", "a", 3 * minuteMs);
    await expectKeyExpiresIn(10 * minuteMs);
  });

  it("the key until its last entry expires, also if that entry is revoked", async () => {
    await index.enter("u", "short", minuteMs);
    await index.enter("u", "long", 10 * minuteMs);
    await index.revokeOne("u", "long");
    await expectKeyExpiresIn(10 * minuteMs);
    await index.extend("u", "short", 2 * minuteMs);
    await index.enter("u", "new", minuteMs);
    await expectKeyExpiresIn(10 * minuteMs);
    await index.revoke("u", undefined);
    await expectKeyExpiresIn(10 * minuteMs);
  });

  it("the key no longer than the remaining entries once the last to expire is removed", async () => {
    await index.enter("u", "long", 60 * minuteMs);
    await index.enter("u", "short", minuteMs);
    await index.remove("u", ["long"]);
    await expectKeyExpiresIn(minuteMs);
  });

  it("the key without an expiry only while an entry never expires", async () => {
    await index.enter("u", "short", minuteMs);
    await index.enter("u", "forever", Number.POSITIVE_INFINITY);
    expect(await client.pTTL(`${prefix}user:u:sessions`)).toBe(-1);
    await index.revokeOne("u", "forever");
    await index.enter("u", "long", 2 * minuteMs);
    expect(await client.pTTL(`${prefix}user:u:sessions`)).toBe(-1);
    await index.enter("v", "forever", Number.POSITIVE_INFINITY);
    await shorten(index, "v", "forever", minuteMs);
    await expectKeyExpiresIn(minuteMs, "v");
  });

  it("no key for ever after the entry that never expires was removed", async () => {
    await index.enter("u", "forever", Number.POSITIVE_INFINITY);
    await index.enter("u", "short", minuteMs);
    await index.remove("u", ["forever"]);
    await expectKeyExpiresIn(minuteMs);
  });

  it("no key when the last entry is removed", async () => {
    for (const sid of ["a", "b"]) await index.enter("u", sid, minuteMs);
    await index.remove("u", ["a", "b"]);
    expect(await keys()).toEqual([]);
  });

  it("no key for a user whose entries were only read", async () => {
    await index.extend("u", "a", minuteMs);
    await index.revoke("u", undefined);
    await index.revokeOne("u", "a");
    await index.remove("u", ["a"]);
    await index.entries("u");
    await index.confirm("u", "a");
    expect(await keys()).toEqual([]);
  });

  it("nothing once all entries have expired: entered, extended, shortened, revoked or already over", async () => {
    await index.enter("entered", "a", 60);
    await index.enter("extended", "a", 30);
    await index.extend("extended", "a", 60);
    await index.enter("shortened", "a", minuteMs);
    await shorten(index, "shortened", "a", 60);
    await index.enter("revoked", "a", 60);
    await index.revoke("revoked", undefined);
    await index.enter("revoked alone", "a", 60);
    await index.enter("revoked alone", "b", 80);
    await index.revokeOne("revoked alone", "b");
    await index.enter("over", "a", 0);
    await index.enter("over", "b", -minuteMs);
    await eventually(async () => expect(await keys()).toEqual([]));
  });

  it("nothing of a session that ended before 1970", async () => {
    await index.enter("u", "a", -Date.now() - minuteMs);
    await eventually(async () => expect(await keys()).toEqual([]));
  });
});
