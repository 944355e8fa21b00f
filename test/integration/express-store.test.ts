import type { NextFunction, Request, Response } from "express";
import session, { type SessionData } from "express-session";
import express4 from "express4";
import { type Backend, memoryBackend } from "../../lib/index.ts";
import { redisBackend } from "../../lib/redis.ts";
import { closed } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { uniquePrefix } from "../support/redis-client.ts";
import {
  afterThisTest,
  byOwner,
  closedAfterThisTest,
  indexed,
  places,
  type Served,
  type ServeOptions,
  serve,
  sharedRedis,
  sidOf,
  signIn,
} from "../users/support.ts";

/*
 * Once, calls of `req.sessionStore` ended sessions without closing their connections or updating the index, and stored
 * sessions of users that were not in the index.
 */

type Done = (error?: unknown) => void;

/** A store that cannot list its sessions. */
class Unlisted extends session.Store {
  readonly kept: Map<string, string>;

  constructor(kept: Map<string, string> = new Map()) {
    super();
    this.kept = kept;
  }

  get(sid: string, done: (error: unknown, data?: SessionData | null) => void): void {
    done(null, JSON.parse(this.kept.get(sid) ?? "null") as SessionData | null);
  }

  set(sid: string, data: SessionData, done?: Done): void {
    this.kept.set(sid, JSON.stringify(data));
    done?.();
  }

  destroy(sid: string, done?: Done): void {
    this.kept.delete(sid);
    done?.();
  }

  override touch(sid: string, data: SessionData, done?: Done): void {
    const kept = this.kept.get(sid);
    if (kept) this.kept.set(sid, JSON.stringify({ ...JSON.parse(kept), cookie: data.cookie }));
    done?.();
  }

  override clear(done?: Done): void {
    this.kept.clear();
    done?.();
  }
}

const stores: { place: string; open: () => Promise<ServeOptions> }[] = [
  ...places.map(({ place, open }) => ({ place, open: async () => ({ backend: await open() }) })),
  { place: "express-session's MemoryStore", open: async () => withStore(new session.MemoryStore()) },
  { place: "a store that cannot list its sessions", open: async () => withStore(new Unlisted()) },
];

function withStore(store: session.Store): ServeOptions {
  return { backend: closedAfterThisTest(memoryBackend()) as Backend, session: { store } };
}

/** Makes a call of `req.sessionStore` in a request of another visitor. */
async function askStore(
  options: ServeOptions,
  ask: (store: session.Store, done: Done) => void,
): Promise<Served & { ask(): Promise<number> }> {
  const served = await serve({
    ...options,
    routes: (app) =>
      app.get("/ask", (req: Request, res: Response, next: NextFunction) => {
        ask(req.sessionStore as unknown as session.Store, (error) =>
          error ? next(error) : res.sendStatus(204),
        );
      }),
  });
  return { ...served, ask: async () => (await served.browser().get("/ask")).status };
}

const byCall = (name: "set" | "touch", data: object) => (sid: string, store: session.Store, done: Done) => {
  const cookie = { originalMaxAge: 60_000, expires: new Date(Date.now() + 60_000) };
  store[name]?.(sid, { cookie, ...data } as unknown as SessionData, done);
};

describe.each(stores)("on $place, req.sessionStore:", ({ place, open }) => {
  test("clear closes all connections, and leaves no session and no index entry", async () => {
    const options = await open();
    // Long enough that no session is checked meanwhile.
    const cookie = { maxAge: 600_000 };
    const served = await askStore({ ...options, session: { ...options.session, cookie } }, (store, done) =>
      store.clear?.(done),
    );
    const browsers = await Promise.all(["ada", "ada", "bob"].map((user) => signIn(served, user)));
    const lines = await Promise.all(browsers.map((browser) => browser.webSocket("/ws")));
    expect(await served.ask()).toBe(204);
    for (const ws of lines) expect(await closed(ws)).toEqual({ code: 4501, reason: "session_ended" });
    for (const user of ["ada", "bob"]) {
      expect(await served.users.listUserSessions(user)).toEqual([]);
      // A store that cannot list its sessions does not know their users. The entries expire.
      if (!place.includes("cannot")) expect(await indexed(options.backend, user)).toEqual([]);
    }
  });

  test.each(["set", "touch"] as const)("%s keeps a user's session in the index", async (name) => {
    const options = await open();
    let sid = "";
    const call = byCall(name, { login: { userId: "ada", at: 1 } });
    const served = await askStore(options, (store, done) => call(sid, store, done));
    const browser = await signIn(served);
    sid = sidOf(browser);
    await options.backend.sessionIndex.remove("ada", [sid]);
    expect(await served.ask()).toBe(204);
    expect(await indexed(options.backend, "ada")).toEqual([sid]);
    expect(await served.users.deleteUserSessions("ada")).toMatchObject({ sessionsDeleted: 1 });
  });

  test("set gives a session a user who can end it, also with a userId function of the app", async () => {
    const options = await open();
    const call = byCall("set", { owner: "ada" });
    const served = await askStore(
      { ...options, session: { ...options.session, userId: byOwner } },
      (store, done) => call("made-by-hand", store, done),
    );
    expect(await served.ask()).toBe(204);
    expect(await indexed(options.backend, "ada")).toEqual(["made-by-hand"]);
    expect(await served.users.deleteUserSessions("ada")).toMatchObject({ sessionsDeleted: 1 });
    expect(await indexed(options.backend, "ada")).toEqual([]);
  });

  test("a session that set writes during an end of the user's sessions ends too", async () => {
    const options = await open();
    let sid = "";
    const call = byCall("set", { login: { userId: "ada", at: 1 } });
    const served = await askStore(options, (store, done) => call(sid, store, done));
    sid = sidOf(await signIn(served));
    await options.backend.sessionIndex.revoke("ada", undefined);
    expect(await served.ask()).toBe(401);
    expect(await served.users.listUserSessions("ada")).toEqual([]);
  });

  test("a session that is loaded and saved again stays in the index, and its end is announced", async () => {
    const options = await open();
    let sid = "";
    const served = await askStore(options, (store, done) =>
      store.load(sid, (error, loaded) => {
        if (error || !loaded) return done(error ?? new Error("not found"));
        const native = loaded as unknown as session.Session;
        native.save((failure: unknown) => (failure ? done(failure) : native.destroy(done)));
      }),
    );
    const browser = await signIn(served);
    sid = sidOf(browser);
    const ws = await browser.webSocket("/ws");
    expect(await served.ask()).toBe(204);
    expect(await closed(ws)).toMatchObject({ code: 4501 });
    await eventually(async () => expect(await indexed(options.backend, "ada")).toEqual([]));
  });
});

describe.each(places)("on $place, req.sessionStore:", ({ open }) => {
  test("touch with an expiry in the past closes the session's connections and removes its index entry", async () => {
    const backend = await open();
    let sid = "";
    const served = await askStore({ backend }, (store, done) => {
      const cookie = { originalMaxAge: 1, expires: new Date(Date.now() - 5_000) };
      store.touch?.(sid, { cookie } as unknown as SessionData, done as () => void);
    });
    const browser = await signIn(served);
    sid = sidOf(browser);
    const ws = await browser.webSocket("/ws");
    expect(await served.ask()).toBe(204);
    expect(await closed(ws)).toEqual({ code: 4501, reason: "session_ended" });
    expect(await indexed(backend, "ada")).toEqual([]);
  });

  test("clear also works in Express 4", async () => {
    const backend = await open();
    const served = await serve({ backend });
    const app = (express4 as unknown as typeof import("express"))();
    app.use(served.stack());
    app.get("/", (req, res) => {
      req.sessionStore.clear?.((error) => res.status(error ? 500 : 200).json(null));
    });
    const { listen } = await import("../support/http-server.ts");
    const { url, close } = await listen(app);
    afterThisTest(close);
    const browser = await signIn(served);
    const ws = await browser.webSocket("/ws");
    expect((await browser.get(`${url}/`)).status).toBe(200);
    expect(await closed(ws)).toMatchObject({ code: 4501 });
    expect(await indexed(backend, "ada")).toEqual([]);
  });
});

test("clear on one node closes the connections of another node, also with a store that cannot list its sessions", async () => {
  const [client, prefix, kept] = [await sharedRedis(), uniquePrefix("clear"), new Map<string, string>()];
  const aNode = async () => {
    const backend = closedAfterThisTest(redisBackend({ client, prefix }));
    const options = { backend, session: { store: new Unlisted(kept), cookie: { maxAge: 600_000 } } };
    const served = await askStore(options, (store, done) => store.clear?.(done));
    await backend.node.join();
    return served;
  };
  const [here, there] = [await aNode(), await aNode()];
  const ws = await (await signIn(there)).webSocket("/ws");
  expect(await here.ask()).toBe(204);
  expect(await closed(ws)).toEqual({ code: 4501, reason: "session_ended" });
});
