import { RedisStore } from "connect-redis";
import express from "express";
import session, { type SessionData, type Store } from "express-session";
import { sessionMiddleware } from "../../lib/index.ts";
import { aroundCalls, uniquePrefix } from "../support/redis-client.ts";
import { browse, countUp, secret, sharedRedis, sidOf, versions } from "./support.ts";

type Answer<T = void> = (error?: unknown, value?: T) => void;

/** How existing stores answer a get of an unknown id. */
const unknown: Record<string, (answer: Answer<SessionData | null>) => void> = {
  throws: () => {
    throw new SyntaxError('"undefined" is not valid JSON');
  },
  "throws what is no SyntaxError": () => {
    throw new TypeError("Cannot read properties of undefined");
  },
  fails: (answer) => answer(new Error("not found")),
  "never calls back": () => {},
};

class PickyStore extends session.Store {
  readonly kept = new Map<string, string>();
  readonly calls: string[] = [];
  readonly #unknown: (answer: Answer<SessionData | null>) => void;

  constructor(unknown: (answer: Answer<SessionData | null>) => void) {
    super();
    this.#unknown = unknown;
  }

  get(sid: string, answer: Answer<SessionData | null>): void {
    this.calls.push("get");
    const text = this.kept.get(sid);
    if (text === undefined) this.#unknown(answer);
    else answer(null, JSON.parse(text) as SessionData);
  }

  set(sid: string, data: SessionData, answer?: Answer): void {
    this.calls.push("set");
    this.kept.set(sid, JSON.stringify(data));
    answer?.();
  }

  destroy(sid: string, answer?: Answer): void {
    this.calls.push("destroy");
    this.kept.delete(sid);
    answer?.();
  }
}

describe.each(versions)("in $version", ({ createApp }) => {
  async function visit(store: Store) {
    const app = createApp();
    app.use(sessionMiddleware({ secret, store, timeoutMs: 500 }));
    app.get("/", (req, res) => void res.json(countUp(req)));
    app.get("/save", (req, res, next) => {
      countUp(req);
      req.session.save((error) => (error ? next(error) : res.json(countUp(req))));
    });
    app.get("/regenerate", (req, res, next) => {
      req.session.regenerate((error) => (error ? next(error) : res.json(countUp(req))));
    });
    app.get("/over", (req, res) => {
      countUp(req);
      req.session.cookie.expires = new Date(0);
      res.json("over");
    });
    return browse(app);
  }

  // Once, the first save read the session before it wrote it, and failed if the read failed.
  describe.each(Object.keys(unknown))("with a store whose get of an unknown id %s", (how) => {
    const open = () => new PickyStore(unknown[how] as (answer: Answer<SessionData | null>) => void);

    test("a new session is stored at the end of a response and by save, and continues", async () => {
      for (const path of ["/", "/save"]) {
        const store = open();
        const browser = await visit(store);
        expect((await browser.get(path)).status).toBe(200);
        expect(store.calls.indexOf("get")).toBe(path === "/" ? -1 : 1);
        const before = Number(JSON.parse(store.kept.get(sidOf(browser)) ?? "{}").count);
        expect((await browser.get("/")).json()).toBe(before + 1);
      }
    });

    test("a session that replaces another one is stored, and an expired one is not", async () => {
      const store = open();
      const browser = await visit(store);
      await browser.get("/");
      expect((await browser.get("/regenerate")).json()).toBe(1);
      expect([...store.kept.keys()]).toEqual([sidOf(browser)]);
      browser.cookies.clear();
      expect((await browser.get("/over")).status).toBe(200);
      expect(store.kept.size).toBe(1);
    });
  });

  test("a new session costs one command with connect-redis as the store", async () => {
    const sent: string[] = [];
    const client = aroundCalls(await sharedRedis(), (name, _args, run) => {
      sent.push(name);
      return run();
    });
    const browser = await visit(new RedisStore({ client, prefix: uniquePrefix("first") }));
    await browser.get("/");
    expect(sent).toEqual(["set"]);
  });
});

test("a repeated save after one without an answer reads first, and keeps what others have saved", async () => {
  const store = new PickyStore((answer) => answer(null, null));
  const set = store.set.bind(store);
  const app = express();
  app.use(sessionMiddleware({ secret, store, timeoutMs: 100 }));
  app.get("/", async (req, res) => {
    countUp(req, "mine");
    store.set = (sid, data) => set(sid, data);
    const failed = await req.session.save().catch((error) => error.code);
    store.set = set;
    const kept = JSON.parse(store.kept.get(req.sessionID) ?? "");
    store.kept.set(req.sessionID, JSON.stringify({ ...kept, theirs: 1 }));
    await req.session.save();
    res.json([failed, JSON.parse(store.kept.get(req.sessionID) ?? "")]);
  });
  const browser = await browse(app);
  expect((await browser.get("/")).json()).toMatchObject(["ERR_STORE_UNAVAILABLE", { mine: 1, theirs: 1 }]);
});
