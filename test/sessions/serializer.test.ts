import { deserialize, serialize } from "node:v8";
import type { SessionData } from "express-session";
import { comparableJson } from "../../lib/sessions/data/comparable-json.ts";
import { RedisSessionStore } from "../../lib/sessions/redis-session-store.ts";
import { SaveQueues } from "../../lib/sessions/saving/save-queues.ts";
import type { SessionSerializer } from "../../lib/sessions/session-store.ts";
import { connectRedis, type RedisClient, uniquePrefix } from "../support/redis-client.ts";
import { openRecord } from "./open-record.ts";

let client: RedisClient;

beforeAll(async () => {
  client = await connectRedis();
});

afterAll(() => client.destroy());

/** Keeps what a structured clone keeps, and answers at once or later. */
const keepsAll = (isLate: boolean): SessionSerializer => ({
  stringify: ({ cookie, ...contents }) =>
    serialize({ ...contents, cookie: JSON.parse(JSON.stringify(cookie)) }).toString("base64"),
  parse: (text) => {
    const data = deserialize(Buffer.from(text, "base64")) as SessionData;
    return isLate ? new Promise((resolve) => setTimeout(resolve, 1, data)) : data;
  },
});

/** A serializer with state, so that it must be called as a method. */
class CountingSerializer implements SessionSerializer {
  readonly #inner = keepsAll(false);
  calls = 0;

  parse(text: string) {
    this.calls++;
    return this.#inner.parse(text);
  }

  stringify(data: SessionData) {
    this.calls++;
    return this.#inner.stringify(data);
  }
}

const at = new Date("2026-01-02T03:04:05.678Z");
const typed = { at, seen: new Map([["a", new Set([1])]]), big: 12n, list: [at, Number.NaN] };

// Once, what was merged was merged as JSON and handed on to the serializer: dates were texts, maps were empty.
describe.each([
  { name: "that answers at once", make: () => keepsAll(false) },
  { name: "that answers later", make: () => keepsAll(true) },
  { name: "that is an object with state", make: () => new CountingSerializer() },
])("what a serializer $name keeps is kept", ({ make }) => {
  let store: RedisSessionStore;

  beforeEach(async () => {
    store = new RedisSessionStore({ client, prefix: uniquePrefix("serializer"), serializer: make() });
    const { session, record } = await openRecord(store, "a");
    Object.assign(session, typed, { n: 0 });
    await record.save();
  });

  async function contents() {
    const stored = await store.read("a");
    const { cookie: _, ...rest } = { ...stored?.data } as Record<string, unknown>;
    return rest;
  }

  test("by one save", async () => {
    expect(await contents()).toEqual({ ...typed, n: 0 });
  });

  test("by saves that merge, on one node and between two, with values of both sides", async () => {
    const [a, b, c] = await Promise.all([1, 2, 3].map(() => openRecord(store, "a")));
    if (!a || !b || !c) throw new Error("not opened");
    a.session.mine = new Date(1);
    b.session.theirs = new Map([[1, new Date(2)]]);
    c.session.seen = new Map([["c", new Set([3])]]);
    delete c.session.n;
    await a.record.save();
    await Promise.all([b.record.save(), c.record.save()]);
    const { n: _, ...rest } = { ...typed, n: 0 };
    expect(await contents()).toEqual({
      ...rest,
      mine: new Date(1),
      theirs: new Map([[1, new Date(2)]]),
      seen: new Map([["c", new Set([3])]]),
    });
  });

  test("by saves that share one write", async () => {
    const saves = new SaveQueues({ store, timeoutMs: 2_000, userIdOf: () => undefined });
    const opened = await Promise.all(Array.from({ length: 8 }, () => openRecord(store, "a", { saves })));
    for (const [n, { session }] of opened.entries()) session[`date${n}`] = new Date(n);
    await Promise.all(opened.map(({ record }) => record.save()));
    const own = Object.fromEntries(opened.map((_, n) => [`date${n}`, new Date(n)]));
    expect(await contents()).toEqual({ ...typed, n: 0, ...own });
    // Each saver that goes on has them as they are.
    await opened[0]?.record.update();
    expect(opened[0]?.session.date7).toEqual(new Date(7));
  });

  test("for a second save and for a second read", async () => {
    const [a, b] = [await openRecord(store, "a"), await openRecord(store, "a")];
    a.session.mine = new Date(1);
    await a.record.save();
    b.session.n = 1;
    await b.record.save();
    expect(b.session.mine).toEqual(new Date(1));
    expect(b.session.at).toEqual(at);
    b.session.n = 2;
    await b.record.save();
    await a.record.update();
    expect(a.session.n).toBe(2);
    expect(a.session.seen).toEqual(typed.seen);
    expect(await contents()).toEqual({ ...typed, mine: new Date(1), n: 2 });
  });

  test("and what changes inside of it is a change", async () => {
    const { record, session } = await openRecord(store, "a");
    expect(record.hasChanges()).toBe(false);
    (session.seen as typeof typed.seen).set("b", new Set([2]));
    expect(record.hasChanges()).toBe(true);
    await record.save();
    expect(((await contents()).seen as Map<string, unknown>).size).toBe(2);
    session.at = at.toJSON();
    expect(record.hasChanges()).toBe(true);
  });
});

test("the JSON that compares sessions tells apart values that plain JSON does not", () => {
  const cookie = { originalMaxAge: null, expires: new Date(5) } as SessionData["cookie"];
  const json = (value: unknown) => comparableJson({ cookie, value } as unknown as SessionData);
  const values = [
    new Date(1),
    new Date(2),
    new Date(1).toJSON(),
    new Date(Number.NaN),
    null,
    new Map(),
    new Map([["a", 1]]),
    {},
    new Set(),
    new Set([1]),
    [],
    [1],
    1n,
    1,
    "1",
    Number.NaN,
    Number.POSITIVE_INFINITY,
    /a/,
    /a/g,
    new Error("a"),
    new TypeError("a"),
    { a: [new Date(1)] },
    { a: [new Date(2)] },
  ];
  expect(new Set(values.map(json)).size).toBe(values.length);
  for (const value of values) expect(json(value)).toBe(json(structuredClone(value)));
  expect(JSON.parse(json(1)).cookie).toEqual(JSON.parse(JSON.stringify(cookie)));
});
