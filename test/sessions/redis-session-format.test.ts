import { RedisStore } from "connect-redis";
import type { SessionData } from "express-session";
import type { RedisSessionStoreOptions } from "../../lib/sessions/redis/redis-session-store-options.ts";
import { RedisSessionStore } from "../../lib/sessions/redis-session-store.ts";
import {
  assertGone,
  assertStored,
  baseOf,
  called,
  contentsOf,
  insert,
  readStored,
  sessionData,
  snapshot,
  snapshotOf,
} from "../../lib/testing/session-store-suite/sessions.ts";
import { connectRedis, type RedisClient, uniquePrefix } from "../support/redis-client.ts";

type Options = Omit<RedisSessionStoreOptions, "client" | "prefix">;

/** Keys, values and times to live are those of connect-redis, so that apps can change over, and back. */
describe("RedisSessionStore beside plain connect-redis", () => {
  let client: RedisClient;

  beforeAll(async () => {
    client = await connectRedis();
  });

  afterAll(() => client.destroy());

  function pair(options: Options = {}): { ours: RedisSessionStore; plain: RedisStore; prefix: string } {
    const prefix = uniquePrefix("format");
    const all = { client, prefix, ...options };
    return { ours: new RedisSessionStore(all), plain: new RedisStore(all), prefix };
  }

  function plainGet(plain: RedisStore, sid: string): Promise<SessionData | null> {
    return called((done) => plain.get(sid, done));
  }

  const contents = {
    user: { id: 7, name: "Ümläut 🦆" },
    list: [1, [2], {}],
    nothing: null,
    absent: undefined,
    at: new Date(0),
  };

  it("writes the same keys and the same bytes", async () => {
    const { ours, plain, prefix } = pair();
    const data = sessionData(contents);
    await ours.write("ours", snapshotOf(data), undefined);
    await called((done) => plain.set("plain", data, done));
    expect((await client.keys(`${prefix}*`)).sort()).toEqual([`${prefix}ours`, `${prefix}plain`]);
    expect(await client.get(`${prefix}ours`)).toBe(await client.get(`${prefix}plain`));
  });

  it("writes under sess: when no prefix is given", () => {
    expect(new RedisSessionStore({ client }).prefix).toBe(new RedisStore({ client }).prefix);
    expect(new RedisSessionStore({ client }).prefix).toBe("sess:");
    expect(new RedisSessionStore({ client, prefix: "" }).prefix).toBe("");
  });

  it.each<[string, Options, number | null]>([
    ["a cookie with an expiry", {}, 3_600_000],
    ["a cookie whose expiry is no whole second", {}, 90_001],
    ["a cookie without expiry", {}, null],
    ["a ttl in seconds and a cookie without expiry", { ttl: 500 }, null],
    ["a ttl in seconds and a cookie with an expiry", { ttl: 500 }, 3_600_000],
    ["a ttl function", { ttl: ({ cookie }) => (cookie.expires ? 700 : 800) }, 3_600_000],
    [
      "a ttl function and a cookie without expiry",
      { ttl: ({ cookie }) => (cookie.expires ? 700 : 800) },
      null,
    ],
    ["disableTTL", { disableTTL: true }, 3_600_000],
  ])("sets the same time to live with %s, on insert, write and refresh", async (_, options, maxAge) => {
    const { ours, plain, prefix } = pair(options);
    const begunAt = Date.now();
    const data = sessionData({ n: 1 }, maxAge);
    await called((done) => plain.set("plain", data, done));
    const result = await ours.write("ours", snapshotOf(data), undefined);
    if (result.outcome !== "written") throw new Error(result.outcome);
    await expectSameTtl();
    await ours.write(
      "ours",
      snapshotOf(sessionData({ n: 2 }, maxAge)),
      baseOf(snapshotOf(data), result.version),
    );
    await expectSameTtl();
    if (!options.disableTTL) for (const sid of ["ours", "plain"]) await client.expire(prefix + sid, 10);
    await called((done) => plain.touch("plain", data, done));
    expect(await ours.refresh("ours", data)).toBe(true);
    await expectSameTtl();

    async function expectSameTtl(): Promise<void> {
      const [mine, theirs] = await Promise.all(["ours", "plain"].map((sid) => client.pTTL(prefix + sid)));
      const lifeMs = ours.lifeMs(data);
      // Lives are rounded up to seconds, and one may turn between the two; and time has passed since they began.
      const slackMs = 1_000 + Date.now() - begunAt;
      expect(Math.abs((mine as number) - (theirs as number))).toBeLessThanOrEqual(slackMs);
      if (!options.disableTTL) expect(Math.abs((mine as number) - lifeMs)).toBeLessThanOrEqual(slackMs);
    }
  });

  it("says that a session with disableTTL never expires", async () => {
    const { ours, prefix } = pair({ disableTTL: true });
    await insert(ours, "a", {});
    expect(await client.ttl(`${prefix}a`)).toBe(-1);
    expect(await ours.expiries(["a"])).toEqual([Number.POSITIVE_INFINITY]);
    expect(ours.lifeMs(sessionData({}, 60_000))).toBe(Number.POSITIVE_INFINITY);
  });

  it("does not change the time to live at a refresh with disableTouch", async () => {
    const { ours, prefix } = pair({ disableTouch: true });
    await insert(ours, "a", {}, 60_000);
    await ours.refresh("a", sessionData({}, 3_600_000));
    expect(await client.ttl(`${prefix}a`)).toBeLessThanOrEqual(60);
  });

  it("ends a session whose ttl function says 0, as connect-redis does", async () => {
    let ttl = 100;
    const { ours, plain } = pair({ ttl: () => ttl });
    const base = await insert(ours, "a", { n: 1 });
    await called((done) => plain.set("b", sessionData({}), done));
    ttl = 0;
    expect(await ours.write("a", snapshot({ n: 2 }), base)).toEqual({ outcome: "expired" });
    await called((done) => plain.set("b", sessionData({}), done));
    await assertGone(ours, "a");
    await assertGone(ours, "b");
  });

  it("reads, changes and ends a session that connect-redis wrote", async () => {
    const { ours, plain } = pair();
    await called((done) => plain.set("a", sessionData(contents), done));
    const stored = await readStored(ours, "a");
    expect(contentsOf(stored)).toEqual(JSON.parse(JSON.stringify(contents)));
    expect((await ours.write("a", snapshot({ n: 1 }), stored)).outcome).toBe("written");
    expect(contentsOf(snapshotOf((await plainGet(plain, "a")) as SessionData))).toEqual({ n: 1 });
    await ours.remove("a", "session_ended");
    expect(await plainGet(plain, "a")).toBeNull();
  });

  it("writes sessions that connect-redis reads, changes and ends", async () => {
    const { ours, plain } = pair();
    const base = await insert(ours, "a", contents);
    const got = (await plainGet(plain, "a")) as SessionData;
    expect(contentsOf(snapshotOf(got))).toEqual(JSON.parse(JSON.stringify(contents)));
    await called((done) => plain.set("a", Object.assign(got, { more: 1 }), done));
    const late = await ours.write("a", snapshot({}), base);
    if (late.outcome !== "changed") throw new Error(late.outcome);
    expect(contentsOf(late.current)).toMatchObject({ more: 1, list: [1, [2], {}] });
    await called((done) => plain.destroy("a", done));
    expect(await ours.write("a", snapshot({}), late.current)).toEqual({ outcome: "deleted" });
  });

  it("keeps sessions under different prefixes apart", async () => {
    const { ours } = pair();
    const other = new RedisSessionStore({ client, prefix: `${ours.prefix}other:` });
    await insert(ours, "a", { n: 1 });
    await assertGone(other, "a");
    await insert(other, "a", { n: 2 });
    await ours.remove("a", "session_ended");
    await assertStored(other, "a", { n: 2 });
  });

  it("reads and writes what connect-redis does with the same serializer", async () => {
    const serializer = {
      stringify: (data: SessionData) => Buffer.from(JSON.stringify(data)).toString("base64"),
      parse: (text: string) => JSON.parse(Buffer.from(text, "base64").toString()) as SessionData,
    };
    const { ours, plain, prefix } = pair({ serializer });
    const data = sessionData(contents);
    await called((done) => plain.set("plain", data, done));
    await ours.write("ours", snapshotOf(data), undefined);
    expect(await client.get(`${prefix}ours`)).toBe(await client.get(`${prefix}plain`));
    const base = await readStored(ours, "plain");
    expect((await ours.write("plain", snapshot({ n: 1 }), base)).outcome).toBe("written");
    expect(await plainGet(plain, "plain")).toMatchObject({ n: 1 });
  });
});
