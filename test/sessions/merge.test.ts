import type { SessionData } from "express-session";
import { changedKeys, copyKey, hasChanges, mergeChanges, sameUnder } from "../../lib/sessions/data/merge.ts";
import { type SeededRandom, seededRandom } from "../support/random.ts";

type Contents = Record<string, unknown>;

const cookie = { originalMaxAge: null, expires: null, httpOnly: true, path: "/" };

function session(contents: Contents): SessionData {
  return { cookie: { ...cookie }, ...contents } as SessionData;
}

function merged(base: Contents | undefined, mine: Contents, theirs: Contents): Contents {
  const result = mergeChanges(base && session(base), session(mine), session(theirs));
  return Object.fromEntries(Object.entries(result).filter(([key]) => key !== "cookie"));
}

describe("mergeChanges", () => {
  it.each<[string, Contents | undefined, Contents, Contents, Contents]>([
    ["keeps what nobody changed", { a: 1 }, { a: 1 }, { a: 1 }, { a: 1 }],
    ["takes keys that only I added", {}, { a: 1 }, {}, { a: 1 }],
    ["keeps keys that only they added", {}, {}, { a: 1 }, { a: 1 }],
    ["takes both of two different keys", {}, { a: 1 }, { b: 2 }, { a: 1, b: 2 }],
    ["takes what only I changed", { a: 1 }, { a: 2 }, { a: 1 }, { a: 2 }],
    ["keeps what only they changed", { a: 1 }, { a: 1 }, { a: 2 }, { a: 2 }],
    ["lets me win, who write last, where both changed", { a: 1 }, { a: 2 }, { a: 3 }, { a: 2 }],
    ["lets me win where both added", undefined, { a: 2 }, { a: 3 }, { a: 2 }],
    ["keeps theirs where I have nothing", undefined, {}, { a: 3 }, { a: 3 }],
    ["deletes what only I deleted", { a: 1, b: 1 }, { b: 1 }, { a: 1, b: 1 }, { b: 1 }],
    ["keeps deleted what only they deleted", { a: 1, b: 1 }, { a: 1, b: 1 }, { b: 1 }, { b: 1 }],
    ["keeps deleted what both deleted", { a: 1 }, {}, {}, {}],
    ["deletes what I deleted and they changed", { a: 1 }, {}, { a: 2 }, {}],
    ["takes what I changed and they deleted", { a: 1 }, { a: 2 }, {}, { a: 2 }],
    [
      "treats a nested change as a change of its top-level key",
      { a: { b: 1 } },
      { a: { b: 2 } },
      { a: { b: 1 }, c: 1 },
      { a: { b: 2 }, c: 1 },
    ],
    [
      "does not look for two changes under one key",
      { a: { b: 1 } },
      { a: { b: 2 } },
      { a: { c: 1 } },
      { a: { b: 2 } },
    ],
    ["counts null as a value", { a: 1 }, { a: null }, { a: 1 }, { a: null }],
    ["keeps an empty object apart from nothing", {}, { a: {} }, {}, { a: {} }],
    ["keeps a false value apart from nothing", {}, { a: false, b: 0, c: "" }, {}, { a: false, b: 0, c: "" }],
    ["treats undefined as a deletion", { a: 1 }, { a: undefined }, { a: 1 }, {}],
  ])("%s", (_, base, mine, theirs, expected) => {
    expect(merged(base, mine, theirs)).toEqual(expected);
  });

  it("changes and returns theirs, and leaves base and mine unchanged", () => {
    const [base, mine, theirs] = [session({ a: 1 }), session({ a: 2 }), session({ b: 3 })];
    expect(mergeChanges(base, mine, theirs)).toBe(theirs);
    expect(base).toEqual(session({ a: 1 }));
    expect(mine).toEqual(session({ a: 2 }));
  });

  it("changes no prototype, whatever the keys are", () => {
    const evil = JSON.parse(
      '{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}',
    ) as Contents;
    const result = mergeChanges(session({}), session(evil), session({}));
    expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
    expect((result as unknown as Contents).admin).toBeUndefined();
    expect(({} as Contents).admin).toBeUndefined();
  });

  it("is the three-way merge by top-level key, for any three states", () => {
    for (let seed = 1; seed <= 2_000; seed++) {
      const random = seededRandom(seed);
      const base = random.chance(0.1) ? undefined : randomContents(random);
      const mine = random.chance(0.5) ? variantOf(base ?? {}, random) : randomContents(random);
      const theirs = random.chance(0.5) ? variantOf(base ?? {}, random) : randomContents(random);
      const states = JSON.stringify({ seed, base, mine, theirs });
      expect({ states, result: merged(base, mine, copyOf(theirs)) }).toEqual({
        states,
        result: model(base ?? {}, mine, theirs),
      });
    }
  });
});

describe("hasChanges and changedKeys", () => {
  it.each<[string, object, object, string[]]>([
    ["find nothing between equal states", { a: 1, b: [1, { c: 2 }] }, { a: 1, b: [1, { c: 2 }] }, []],
    ["find nothing in another order of keys", { a: 1, b: 2 }, { b: 2, a: 1 }, []],
    ["find what was added, changed and deleted", { a: 1, b: 1, c: 1 }, { b: 2, c: 1, d: 1 }, ["a", "b", "d"]],
    ["find nested changes", { a: { b: { c: [1, 2] } } }, { a: { b: { c: [1, 3] } } }, ["a"]],
    ["take undefined for absent", { a: undefined }, { b: undefined }, []],
    ["take a function for absent, as JSON does", {}, { f: () => 1 }, []],
    ["tell null from absent", { a: null }, {}, ["a"]],
    ["tell a number from its text", { a: 1 }, { a: "1" }, ["a"]],
    ["compare what would be stored", { at: "1970-01-01T00:00:00.000Z" }, { at: new Date(0) }, []],
    ["see NaN as the null that it is stored as", { a: null }, { a: Number.NaN }, []],
    ["do not look at the cookie", { cookie: { path: "/" } }, { cookie: { path: "/app" } }, []],
    [
      "do not look at names that Session has for itself, and only at those",
      {},
      { id: 1, req: 2, save: 3, touch: 4, toString: 5, constructor: 6 },
      ["constructor", "toString"],
    ],
  ])("%s", (_, before, after, keys) => {
    expect(changedKeys(before, after).sort()).toEqual(keys);
    expect(hasChanges(before, after)).toBe(keys.length > 0);
  });
});

describe("sameUnder and copyKey", () => {
  it("copy a value or its absence, and then find no difference", () => {
    const from = { a: { b: 1 } };
    const to: Contents = { a: 2, c: 3 };
    for (const key of ["a", "c"]) {
      expect(sameUnder(key, from, to)).toBe(false);
      copyKey(from, to, key);
      expect(sameUnder(key, from, to)).toBe(true);
    }
    expect(to).toEqual({ a: { b: 1 } });
    expect(Object.keys(to)).toEqual(["a"]);
  });
});

/** What the merge should give, said in another way: key by key, theirs unless I changed it. */
function model(base: Contents, mine: Contents, theirs: Contents): Contents {
  const result: Contents = {};
  for (const key of keyNames) {
    const iChanged = JSON.stringify(base[key]) !== JSON.stringify(mine[key]);
    const winner = iChanged ? mine : theirs;
    if (winner[key] !== undefined) result[key] = winner[key];
  }
  return result;
}

const keyNames = ["a", "b", "c", "d", "ключ", "0"];
const values = [
  0,
  1,
  "1",
  "",
  null,
  false,
  [],
  {},
  [1],
  [[1]],
  { a: 1 },
  { a: { a: [1, 2] } },
  { a: { a: [2, 1] } },
];

function randomContents(random: SeededRandom): Contents {
  const keys = keyNames.filter(() => random.chance(0.6));
  return copyOf(Object.fromEntries(keys.map((key) => [key, random.pick(values)])));
}

/** A copy in which a few keys are changed, added or deleted. */
function variantOf(contents: Contents, random: SeededRandom): Contents {
  const variant = copyOf(contents);
  for (const key of keyNames.filter(() => random.chance(0.3))) {
    if (random.chance(0.4)) delete variant[key];
    else variant[key] = copyOf(random.pick(values));
  }
  return variant;
}

function copyOf<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
