import { promisify } from "node:util";
import type { SessionData } from "express-session";
import { type Backend, type MemoryBackendOptions, memoryBackend } from "../../lib/index.ts";
import { connect, serve, signIn } from "../realtime/support.ts";

const full = (option: string) => ({
  code: "ERR_MEMORY_FULL",
  status: 503,
  message: expect.stringContaining(option),
});

function snapshot(contents: object, maxAge = 60_000): { data: SessionData; json: string } {
  const expires = new Date(now + maxAge);
  const data = { cookie: { originalMaxAge: maxAge, expires }, ...contents } as unknown as SessionData;
  return { data, json: JSON.stringify(data) };
}

let now: number;
let backend: Backend;

function make(limits: MemoryBackendOptions): Backend {
  now = 1_000_000;
  backend = memoryBackend({ now: () => now, ...limits });
  return backend;
}

const insert = (sid: string, contents: object = {}, maxAge?: number) =>
  backend.sessions.write(sid, snapshot(contents, maxAge), undefined);

const stats = () => backend.stats?.();

describe("sessions of the memory backend", () => {
  test("are limited by maxSessions, and stored ones can be changed, touched and removed", async () => {
    make({ maxSessions: 3 });
    for (const sid of ["a", "b", "c"]) expect(await insert(sid)).toMatchObject({ outcome: "written" });
    await expect(insert("d")).rejects.toMatchObject(full("maxSessions"));
    expect(await backend.sessions.read("d")).toBeUndefined();
    expect(stats()?.sessions).toBe(3);
    const { version = "" } = (await backend.sessions.read("a")) ?? {};
    const next = snapshot({ name: "Ada" });
    const base = { json: version, version, userId: undefined };
    expect(await backend.sessions.write("a", next, base)).toMatchObject({ outcome: "written" });
    expect(await backend.sessions.refresh("b", next.data)).toBe(true);
    await backend.sessions.remove("c");
    await insert("d");
    await expect(insert("e")).rejects.toMatchObject(full("maxSessions"));
  });

  test("make room when they expire, in whatever order", async () => {
    make({ maxSessions: 500 });
    for (let n = 0; n < 500; n++) await insert(`s${n}`, {}, n === 400 ? 1_000 : 60_000);
    now += 2_000;
    expect(await insert("new")).toMatchObject({ outcome: "written" });
    await expect(insert("newer")).rejects.toMatchObject(full("maxSessions"));
    now += 60_000;
    for (let n = 0; n < 499; n++) await insert(`t${n}`);
    expect(stats()?.sessions).toBeLessThanOrEqual(500);
  });

  test("are limited in size by maxSessionBytes: one that grows too large is refused, one that shrinks is not", async () => {
    const { length } = snapshot({ text: "x".repeat(1_000) }).json;
    make({ maxSessionBytes: 2 * length });
    await insert("a", { text: "x".repeat(1_000) });
    await insert("b", { text: "x".repeat(1_000) });
    expect(stats()).toMatchObject({ sessions: 2, sessionBytes: 2 * length });
    await expect(insert("c")).rejects.toMatchObject(full("maxSessionBytes"));
    const stored = await backend.sessions.read("a");
    const { version = "" } = stored ?? {};
    const base = { json: version, version, userId: undefined };
    const write = (text: string) => backend.sessions.write("a", snapshot({ text }), base);
    await expect(write("x".repeat(1_001))).rejects.toMatchObject(full("maxSessionBytes"));
    // Each character counts two bytes, as on a line.
    await expect(write("é".repeat(501))).rejects.toMatchObject(full("maxSessionBytes"));
    expect(await backend.sessions.read("a")).toEqual(stored);
    expect(await write("é".repeat(400))).toMatchObject({ outcome: "written" });
    await insert("c", {});
  });

  test("free their place however they end", async () => {
    make({ maxSessions: 10 });
    const store = backend.sessions.expressStore;
    const set = promisify(store.set.bind(store));
    for (const sid of ["a", "b", "c", "d"]) await set(sid, snapshot({}).data);
    await set("a", snapshot({ more: 1 }).data);
    await backend.sessions.remove("a");
    await backend.sessions.remove("a");
    await promisify(store.destroy.bind(store))("b");
    await set("c", snapshot({}, -1).data);
    now += 70_000;
    await backend.sessions.read("d");
    expect(stats()).toMatchObject({ sessions: 0, sessionBytes: 0 });
    await set("e", snapshot({}).data);
    await promisify((done: (error?: unknown) => void) => store.clear?.(done))();
    expect(stats()).toMatchObject({ sessions: 0, sessionBytes: 0 });
  });

  test("have at most maxSessions entries in the index, and a login that finds no room leaves no entry", async () => {
    make({ maxSessions: 2 });
    const served = await serve({ backend });
    await signIn(served, "ada");
    await signIn(served, "bob");
    for (let n = 0; n < 5; n++) {
      const { status } = await served.browser().post("/login", { json: { user: "eve" } });
      expect(status).toBe(503);
    }
    expect(await backend.sessionIndex.entries("eve")).toEqual([]);
    served.errors.splice(0);
    // Stored sessions continue, and anybody may take a free place.
    await served.users.deleteUserSessions("ada");
    await signIn(served, "eve");
    expect(await served.users.listUserSessions("bob")).toHaveLength(1);
    // A login that finds room in the index but none among the sessions leaves no entry either.
    await backend.sessionIndex.remove(
      "eve",
      (await backend.sessionIndex.entries("eve")).map(({ sid }) => sid),
    );
    expect((await served.browser().post("/login", { json: { user: "mel" } })).status).toBe(503);
    expect(await backend.sessionIndex.entries("mel")).toEqual([]);
    await backend.sessionIndex.enter("eve", "as it was", 60_000);
    await expect(backend.sessionIndex.enter("x", "x", 1_000)).rejects.toMatchObject(full("maxSessions"));
    await backend.sessionIndex.remove(
      "eve",
      (await backend.sessionIndex.entries("eve")).map(({ sid }) => sid),
    );
    await backend.sessionIndex.enter("x", "x", 1_000);
    now += 2_000;
    await backend.sessionIndex.enter("y", "y", 1_000);
  });
});

test("memberships of the memory backend are limited by maxMemberships", async () => {
  make({ maxMemberships: 3 });
  const { memberships } = backend;
  for (const group of ["a", "b", "c"]) await memberships.join("ada", group, 1_000);
  await expect(memberships.join("bob", "a", 1_000)).rejects.toMatchObject(full("maxMemberships"));
  expect(await memberships.members("a")).toEqual(["ada"]);
  expect(await memberships.join("ada", "a", 1_000)).toBe("member");
  await memberships.leave("ada", "a");
  await memberships.leave("ada", "a");
  expect(await memberships.join("bob", "a", 1_000)).toBe("joined");
  expect(stats()?.memberships).toBe(3);
});

test("connection data of the memory backend is limited by maxConnectionDataBytes", async () => {
  make({ maxConnectionDataBytes: 100 });
  const served = await serve({ backend });
  const { line, ws } = await connect(served, "ada");
  const { line: other } = await connect(served, "bob");
  await line.store.set("k", "x".repeat(77));
  expect(stats()?.connectionDataBytes).toBe(80);
  await expect(other.store.set("k", "x".repeat(30))).rejects.toMatchObject(full("maxConnectionDataBytes"));
  expect(await other.store.get("k")).toBeUndefined();
  await other.store.set("k", "x".repeat(10));
  await line.store.set("k", "x".repeat(57));
  await other.store.set("k", "x".repeat(30));
  await other.store.delete("k");
  await other.store.delete("k");
  expect(stats()?.connectionDataBytes).toBe(60);
  ws.close();
  while (served.closings.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(stats()?.connectionDataBytes).toBe(0);
});

test("connection data makes room when it expires", async () => {
  make({ maxConnectionDataBytes: 100 });
  const store = backend.connectionStore({ ttlSeconds: 1, nameOf: ({ id }) => id });
  await store.set({ id: "a", userId: undefined }, "k", "x".repeat(90));
  now += 2_000;
  await store.set({ id: "b", userId: undefined }, "k", "x".repeat(90));
  expect(stats()?.connectionDataBytes).toBe(93);
});

test("a join that finds no room rejects with an error of status 503, and changes nothing", async () => {
  make({ maxMemberships: 1 });
  const served = await serve({ backend });
  const { line } = await connect(served, "ada");
  await line.join("a");
  await expect(line.join("b")).rejects.toMatchObject(full("maxMemberships"));
  expect([...line.groups]).toEqual(["a"]);
});

test("The memory backend keeps as much history as maxHistoryBytes says, and refuses no message", async () => {
  const { history } = make({ maxHistoryBytes: 2_000 });
  const limits = { maxMessages: 100, maxAgeSeconds: 60 };
  for (let n = 0; n < 50; n++) await history?.append("a", "x".repeat(100), limits);
  expect(stats()?.historyBytes).toBeGreaterThan(1_800);
  expect(stats()?.historyBytes).toBeLessThanOrEqual(2_000);
  const range = {
    after: 0,
    upTo: 50,
    limit: 100,
    maxBytes: 10_000,
    from: "oldest",
    maxAgeSeconds: 60,
  } as const;
  const page = await history?.read("a", range);
  expect(page?.position.offset).toBe(50);
  expect(page?.messages.map(({ offset }) => offset)).toEqual([42, 43, 44, 45, 46, 47, 48, 49, 50]);
});
