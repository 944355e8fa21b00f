import { RedisMemberships } from "../../lib/groups/redis-memberships.ts";
import { describeMemberships } from "../../lib/testing/describe-memberships.ts";
import { assertMembers, noLimit } from "../../lib/testing/memberships-suite/group-rules.ts";
import { raceMemberships } from "../../lib/testing/memberships-suite/races.ts";
import { range } from "../../lib/testing/tools/range.ts";
import { aroundCalls, connectRedis, type RedisClient, uniquePrefix } from "../support/redis-client.ts";

let client: RedisClient;

beforeAll(async () => {
  client = await connectRedis();
});

afterAll(() => client.destroy());

describeMemberships("RedisMemberships", {
  create: () => new RedisMemberships(client, uniquePrefix("groups")),
});

describe("RedisMemberships", () => {
  it("joining and leaving alternate in a race on two nodes, and the groups agree at the end", async () => {
    const other = await connectRedis();
    try {
      const prefix = uniquePrefix("groups");
      const nodes = [new RedisMemberships(client, prefix), new RedisMemberships(other, prefix)];
      for (const seed of range(100)) await raceMemberships(nodes, 1_000 + seed);
    } finally {
      other.destroy();
    }
  });

  it("separates memberships by prefix", async () => {
    const prefix = uniquePrefix("groups");
    const [one, two] = [
      new RedisMemberships(client, `${prefix}1:`),
      new RedisMemberships(client, `${prefix}2:`),
    ];
    await one.join("u", "g", noLimit);
    await assertMembers(two, "g", []);
    expect(await two.leave("u", "g")).toBe(false);
    await assertMembers(one, "g", ["u"]);
  });

  it("stops after a few writes if others keep changing a membership, and leaves a surplus name", async () => {
    const prefix = uniquePrefix("groups");
    let asked = 0;
    const changing = Object.create(client, {
      withCommandOptions: { value: undefined },
      // Not for ever, so a loop without a bound fails this test instead of blocking it.
      sIsMember: { value: async () => (asked++ < 200 ? asked % 2 : 0) },
    }) as RedisClient;
    expect(await new RedisMemberships(changing, prefix).leave("u", "g")).toBe(false);
    expect(asked).toBeLessThan(20);
    const memberships = new RedisMemberships(client, prefix);
    expect(await client.sMembers(`${prefix}group:g:members`)).toEqual(["u"]);
    await assertMembers(memberships, "g", []);
  });

  it("never expires, and leaves nothing in Redis after all users have left", async () => {
    const prefix = uniquePrefix("groups");
    const memberships = new RedisMemberships(client, prefix);
    for (const n of range(6)) await memberships.join(`user ${n % 3}`, `group ${n % 2}`, noLimit);
    const keys = await client.keys(`${prefix}*`);
    expect(keys).toHaveLength(5);
    for (const key of keys) expect(await client.ttl(key)).toBe(-1);
    expect(await memberships.join("user 0", "group 9", 2)).toBe("full");
    for (const n of range(6)) await memberships.leave(`user ${n % 3}`, `group ${n % 2}`);
    expect(await client.keys(`${prefix}*`)).toEqual([]);
  });
});

describe("RedisMemberships, when a change takes longer than anybody waits for it,", () => {
  // Once, the last steps of a join that had been reported as failed undid a later leave.
  it("does not undo the change that was requested after it", async () => {
    let held: (() => void) | undefined;
    const slow = aroundCalls(client, (name, _args, run) => {
      if (name !== "sAdd" || held) return run();
      return new Promise((resolve) => {
        held = () => resolve(run());
      });
    });
    const groups = new RedisMemberships(slow, uniquePrefix("groups"));
    const joining = groups.join("u", "g", noLimit);
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    expect(await groups.leave("u", "g")).toBe(false);
    held?.();
    await expect(joining).rejects.toMatchObject({ code: "ERR_STORE_UNAVAILABLE" });
    expect(await groups.groupsOf("u")).toEqual([]);
    await assertMembers(groups, "g", []);
  });
});
