import { MemoryOutcomes } from "../../lib/outcomes/memory-outcomes.ts";
import { type Outcomes, PENDING } from "../../lib/outcomes/outcomes.ts";
import { RedisOutcomes } from "../../lib/outcomes/redis-outcomes.ts";
import { eventually } from "../support/eventually.ts";
import { connectRedis, type RedisClient, uniquePrefix } from "../support/redis-client.ts";

const LIFE_MS = 60_000;
let client: RedisClient;

beforeAll(async () => {
  client = await connectRedis();
});

afterAll(() => client.destroy());

/** Two nodes that share their outcomes. */
describe.each([
  {
    place: "memory",
    nodes: (): Outcomes[] => {
      const shared = new MemoryOutcomes();
      return [shared, shared];
    },
  },
  {
    place: "Redis",
    nodes: (): Outcomes[] => {
      const prefix = uniquePrefix("outcomes");
      return [0, 1].map(() => new RedisOutcomes(client as never, prefix));
    },
  },
])("outcomes on $place", ({ nodes }) => {
  test("of many claims of a name at once, one gets it", async () => {
    const all = nodes();
    const claims = Array.from({ length: 50 }, (_, n) => all[n % 2]?.claim("user:ada:key", LIFE_MS));
    const answers = await Promise.all(claims);
    expect(answers.filter((answer) => answer === undefined)).toHaveLength(1);
    expect(answers.filter((answer) => answer === PENDING)).toHaveLength(49);
  });

  test("an outcome is found by every node, under its name alone", async () => {
    const [one, other] = nodes() as [Outcomes, Outcomes];
    await one.claim("user:ada:key", LIFE_MS);
    expect(await other.read("user:ada:key")).toBe(PENDING);
    await one.keep("user:ada:key", '"status":"success"', LIFE_MS);
    expect(await other.read("user:ada:key")).toBe('"status":"success"');
    expect(await other.claim("user:ada:key", LIFE_MS)).toBe('"status":"success"');
    for (const name of ["user:bob:key", "session:ada:key", "user:ada:other"]) {
      expect(await other.read(name)).toBeUndefined();
      expect(await other.claim(name, LIFE_MS)).toBeUndefined();
    }
  });

  test("a name that was given back is free, and so is one whose life is over", async () => {
    const [one, other] = nodes() as [Outcomes, Outcomes];
    await one.release("user:ada:key");
    await one.claim("user:ada:key", LIFE_MS);
    await other.release("user:ada:key");
    expect(await other.claim("user:ada:key", 30)).toBeUndefined();
    await eventually(async () => expect(await one.read("user:ada:key")).toBeUndefined());
    expect(await one.claim("user:ada:key", LIFE_MS)).toBeUndefined();
    await one.keep("user:ada:key", "an outcome", 30);
    await eventually(async () => expect(await other.read("user:ada:key")).toBeUndefined());
  });
});

describe("MemoryOutcomes", () => {
  test("forgets what is over without being asked for it", async () => {
    let now = 0;
    const outcomes = new MemoryOutcomes({ maxOutcomes: 2, now: () => now });
    await outcomes.claim("user:ada:1", 10);
    await outcomes.claim("user:bob:1", 100);
    now = 10;
    await outcomes.claim("user:eve:1", 100);
    expect(await outcomes.read("user:bob:1")).toBe(PENDING);
  });

  test("of one owner with too many, or too much, forgets the oldest of that owner, and nobody else's", async () => {
    for (const [limits, text] of [
      [{ maxOutcomes: 10 }, "x"],
      [{ maxBytes: 1_000 }, "x".repeat(80)],
    ] as const) {
      const outcomes = new MemoryOutcomes(limits);
      await outcomes.keep("user:bob:1", "bob's", LIFE_MS);
      for (let n = 0; n < 100; n++) {
        await outcomes.claim(`user:ada:${n}`, LIFE_MS);
        await outcomes.keep(`user:ada:${n}`, text, LIFE_MS);
      }
      expect(await outcomes.read("user:bob:1")).toBe("bob's");
      expect(await outcomes.read("user:ada:0")).toBeUndefined();
      expect(await outcomes.read("user:ada:99")).toBe(text);
    }
  });

  test("of many owners forgets the oldest", async () => {
    const outcomes = new MemoryOutcomes({ maxOutcomes: 10 });
    for (let n = 0; n < 11; n++) await outcomes.keep(`user:${n}:key`, "x", LIFE_MS);
    expect(await outcomes.read("user:0:key")).toBeUndefined();
    expect(await outcomes.read("user:1:key")).toBe("x");
  });
});
