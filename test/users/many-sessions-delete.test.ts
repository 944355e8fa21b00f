import type { Backend } from "../../lib/index.ts";
import { closed } from "../support/browser.ts";
import { besideOthers, living, MANY, sidsOf, storeSessions } from "./many-sessions.ts";
import { beforeNext, indexed, me, places, redisPlace, type Served, serve, sidOf, signIn } from "./support.ts";

/** A deletion with 12,000 sessions once asked for all of them at once, was refused, and was so again at each retry. */
describe.each(places)("on $place, of a user with 12,000 sessions", ({ open }) => {
  let backend: Backend;
  let served: Served;
  const sids = sidsOf("ada");

  beforeEach(async () => {
    backend = await open();
    served = await serve({ backend });
    await storeSessions(backend, "ada", sids);
  });

  test("deleteUserSessions ends all but the exception, and other requests are answered meanwhile", async () => {
    const kept = await signIn(served);
    const ws = await kept.webSocket("/ws");
    const receipt = await besideOthers(served, () =>
      served.users.deleteUserSessions("ada", { except: sidOf(kept) }),
    );
    expect(receipt).toEqual({ sessionsDeleted: MANY, connectionsClosed: 0, silentNodes: [] });
    expect(await living(backend, sids)).toBe(0);
    expect(await indexed(backend, "ada")).toEqual([sidOf(kept)]);
    expect(await me(kept)).toHaveProperty("login");
    expect(ws.readyState).toBe(ws.OPEN);
    const all = await served.users.deleteUserSessions("ada");
    expect(all).toEqual({ sessionsDeleted: 1, connectionsClosed: 1, silentNodes: [] });
    expect((await closed(ws)).code).toBe(4501);
  });

  test("50 calls at once end all sessions, and other requests are answered meanwhile", async () => {
    const receipts = await besideOthers(served, () =>
      Promise.all(Array.from({ length: 50 }, () => served.users.deleteUserSessions("ada"))),
    );
    for (const { sessionsDeleted } of receipts) expect(sessionsDeleted).toBeLessThanOrEqual(MANY);
    expect(receipts[0]).toEqual({ sessionsDeleted: MANY, connectionsClosed: 0, silentNodes: [] });
    expect(await living(backend, sids)).toBe(0);
    expect(await indexed(backend, "ada")).toEqual([]);
  });
});

/** Several batches. */
const SOME = 2_500;

describe.each(places)("on $place, of a user with 2,500 sessions", ({ open }) => {
  let backend: Backend;
  let served: Served;
  const sids = sidsOf("ada", SOME);

  beforeEach(async () => {
    backend = await open();
    served = await serve({ backend });
    await storeSessions(backend, "ada", sids);
  });

  test("deleteUserSessions leaves a login that begins during the call, and a second call ends it", async () => {
    let [later, last]: (Awaited<ReturnType<typeof signIn>> | undefined)[] = [];
    let second: Promise<unknown> | undefined;
    beforeNext(backend.sessionIndex, "removeRevoked", async () => {
      later = await signIn(served);
      beforeNext(backend.sessionIndex, "removeRevoked", async () => {
        if (!later) throw new Error("unreachable");
        expect(await me(later)).toHaveProperty("login");
        second = served.users.deleteUserSessions("ada");
        beforeNext(backend.sessionIndex, "removeRevoked", async () => {
          last = await signIn(served);
        });
      });
    });
    const receipt = await served.users.deleteUserSessions("ada");
    await second;
    expect(receipt.sessionsDeleted).toBeGreaterThanOrEqual(SOME);
    expect(await living(backend, sids)).toBe(0);
    expect(await me(later as NonNullable<typeof later>)).toEqual({});
    expect(await me(last as NonNullable<typeof last>)).toHaveProperty("login");
    expect(await indexed(backend, "ada")).toEqual([sidOf(last as NonNullable<typeof last>)]);
  });

  test("each retry of a call that fails halfway continues from there", async () => {
    const remove = backend.sessions.remove.bind(backend.sessions);
    let left = 0;
    backend.sessions.remove = (...call) => (left-- > 0 ? remove(...call) : Promise.reject(new Error("no")));
    const counts = [await living(backend, sids)];
    let total = 0;
    for (let isDone = false; !isDone; ) {
      left = 1_000;
      const result = await served.users.deleteUserSessions("ada").catch((error: unknown) => error);
      isDone = !(result instanceof Error);
      if (!isDone) expect(result).toMatchObject({ code: "ERR_STORE_UNAVAILABLE" });
      counts.push(await living(backend, sids));
      expect(counts.at(-1)).toBeLessThan(counts.at(-2) as number);
      expect(++total).toBeLessThan(10);
      expect(await indexed(backend, "ada")).toEqual([]);
    }
    expect(counts.at(-1)).toBe(0);
    expect(await backend.sessionIndex.revoke("ada", undefined)).toEqual([]);
  });

  test("one session that cannot be ended does not stop the others from ending", async () => {
    const remove = backend.sessions.remove.bind(backend.sessions);
    const [stuck] = sids.slice(700) as [string];
    backend.sessions.remove = (sid, reason) =>
      sid === stuck ? Promise.reject(new Error("no")) : remove(sid, reason);
    let calls = 0;
    const deleteAll = () => served.users.deleteUserSessions("ada");
    while ((await living(backend, sids)) > 1 && calls++ < 40) await deleteAll().catch(() => {});
    expect(await living(backend, sids)).toBe(1);
    await expect(deleteAll()).rejects.toMatchObject({ code: "ERR_STORE_UNAVAILABLE" });
    backend.sessions.remove = remove;
    expect((await deleteAll()).sessionsDeleted).toBe(1);
  });

  test("deleteUserSession ends one of them", async () => {
    expect(await served.users.deleteUserSession("ada", sids[600] as string)).toBe(true);
    expect(await served.users.deleteUserSession("ada", sids[600] as string)).toBe(false);
    expect(await living(backend, sids)).toBe(SOME - 1);
  });
});

describe("on Redis, with several nodes", () => {
  async function nodes(): Promise<{ served: Served[]; backends: Backend[] }> {
    const first = await redisPlace();
    const second = await redisPlace({ prefix: first.prefix });
    const backends = [first.backend, second.backend];
    const users = { ackTimeoutMs: 2_000 };
    return {
      backends,
      served: [
        await serve({ backend: backends[0] as Backend, users }),
        await serve({ backend: backends[1] as Backend, users }),
      ],
    };
  }

  test("connections close on all nodes, whichever of 3,000 sessions they belong to", async () => {
    const { served, backends } = await nodes();
    const [here, there] = served as [Served, Served];
    const open = [];
    for (const count of [1, 1_000, 1_000, 1_000]) {
      await storeSessions(
        backends[0] as Backend,
        "ada",
        sidsOf(`more${open.length}`, count).map((sid) => `ada${sid}`),
      );
      for (const node of [here, there]) open.push(await (await signIn(node)).webSocket("/ws"));
    }
    const kept = await (await signIn(there, "grace")).webSocket("/ws");
    const receipts = await Promise.all([
      here.users.deleteUserSessions("ada"),
      there.users.deleteUserSessions("ada"),
    ]);
    for (const ws of open) expect((await closed(ws)).code).toBe(4501);
    expect(kept.readyState).toBe(kept.OPEN);
    expect(receipts[0]?.silentNodes).toEqual([]);
    expect(await indexed(backends[0] as Backend, "ada")).toEqual([]);
  });

  test("a call waits once for a node that does not answer, however many sessions there are", async () => {
    const { served, backends } = await nodes();
    const [{ users }, backend] = [served[0] as Served, backends[0] as Backend];
    await backend.bus.renewLease("a node that stands still", 60_000);
    await storeSessions(backend, "ada", sidsOf("ada", 3_000));
    const begunAt = performance.now();
    expect(await users.deleteUserSessions("ada")).toEqual({
      sessionsDeleted: 3_000,
      connectionsClosed: 0,
      silentNodes: ["a node that stands still"],
    });
    // Six times as long, if it were waited for with each 500.
    expect(performance.now() - begunAt).toBeLessThan(8_000);
    expect(await users.listUserSessions("ada")).toEqual([]);
  });
});
