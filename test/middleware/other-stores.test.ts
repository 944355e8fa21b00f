import express from "express";
import session, { type SessionData } from "express-session";
import { type SessionMiddlewareOptions, type SessionStackError, sessionMiddleware } from "../../lib/index.ts";
import { browse, countUp, data, secret, sidOf } from "./support.ts";

type Done = (error?: unknown, data?: SessionData | null) => void;

/** The smallest possible store: a Map, with callbacks that run before the calls return. */
class SynchronousStore extends session.Store {
  readonly kept = new Map<string, string>();

  get(sid: string, done: Done): void {
    const text = this.kept.get(sid);
    done(null, text === undefined ? null : (JSON.parse(text) as SessionData));
  }

  set(sid: string, data: SessionData, done?: Done): void {
    this.kept.set(sid, JSON.stringify(data));
    done?.();
  }

  destroy(sid: string, done?: Done): void {
    this.kept.delete(sid);
    done?.();
  }
}

class FailingStore extends SynchronousStore {
  failing: Record<string, unknown> = {};

  override get(sid: string, done: Done): void {
    if ("get" in this.failing) done(this.failing.get);
    else super.get(sid, done);
  }

  override set(sid: string, data: SessionData, done?: Done): void {
    if ("set" in this.failing) done?.(this.failing.set);
    else super.set(sid, data, done);
  }

  override destroy(sid: string, done?: Done): void {
    if ("destroy" in this.failing) done?.(this.failing.destroy);
    else super.destroy(sid, done);
  }

  override touch = (_sid: string, _data: SessionData, done?: Done): void => done?.(this.failing.touch);
}

async function visit(store: session.Store, options: SessionMiddlewareOptions = {}) {
  const errors: Error[] = [];
  const reported: Error[] = [];
  const app = express();
  const middleware = sessionMiddleware({ secret, ...options, store });
  middleware.on("error", (error) => reported.push(error));
  app.use(middleware);
  app.get("/", (req, res) => void res.json(req.session ? countUp(req) : "none"));
  app.get("/read", (req, res) => void res.json(data(req).count ?? null));
  app.get("/chunks", (req, res) => {
    res.write("one ");
    countUp(req);
    res.end("two");
  });
  app.get("/file", (req, res) => {
    countUp(req);
    res.attachment("a.csv").set({ ETag: '"x"', "Cache-Control": "public", Location: "/x" }).send("a,b");
  });
  app.get("/destroy", (req, res, next) => {
    req.session.destroy().then(() => res.end(), next);
  });
  app.use(((error, _req, _res, next) => {
    errors.push(error);
    next(error);
  }) as express.ErrorRequestHandler);
  return { browser: await browse(app), errors, reported };
}

test("a store that calls back synchronously works for the whole life of a session", async () => {
  const store = new SynchronousStore();
  const { browser, errors } = await visit(store);
  expect([(await browser.get("/")).body, (await browser.get("/")).body]).toEqual(["1", "2"]);
  expect(JSON.parse(store.kept.get(sidOf(browser)) ?? "")).toMatchObject({ count: 2 });
  await browser.get("/destroy");
  expect([store.kept.size, errors]).toEqual([0, []]);
});

test("a session that is only read is not written to a store without touch", async () => {
  const store = new SynchronousStore();
  const { browser, errors, reported } = await visit(store, { touchAfterMs: 0, cookie: { maxAge: 60_000 } });
  await browser.get("/");
  const before = store.kept.get(sidOf(browser));
  expect((await browser.get("/read")).body).toBe("1");
  expect(store.kept.get(sidOf(browser))).toBe(before);
  expect([errors, reported]).toEqual([[], []]);
});

test("each request with resave is written to a store without touch", async () => {
  const store = new SynchronousStore();
  const set = jest.spyOn(store, "set");
  const { browser } = await visit(store, { resave: true });
  await browser.get("/");
  await browser.get("/read");
  expect(set).toHaveBeenCalledTimes(2);
});

test("a get that fails with ENOENT means that there is no session", async () => {
  const store = new FailingStore();
  const { browser, errors } = await visit(store);
  await browser.get("/");
  const before = sidOf(browser);
  store.failing = { get: Object.assign(new Error("no such file"), { code: "ENOENT" }) };
  const response = await browser.get("/read");
  expect([response.status, response.body, errors]).toEqual([200, "null", []]);
  store.failing = {};
  expect([(await browser.get("/")).body, sidOf(browser)]).toEqual(["2", before]);
});

test("requests have no session after a store emits disconnect, until it emits connect", async () => {
  const store = new SynchronousStore();
  const { browser } = await visit(store);
  await browser.get("/");
  store.emit("disconnect");
  expect([(await browser.get("/")).body, (await browser.get("/")).setCookies]).toEqual(['"none"', []]);
  store.emit("connect");
  expect((await browser.get("/")).body).toBe("2");
});

test("a failed get is answered with 503 and Retry-After, and the store's error is the cause", async () => {
  const store = new FailingStore();
  const { browser, errors } = await visit(store);
  await browser.get("/");
  const cause = new Error("disk on fire");
  store.failing = { get: cause };
  const response = await browser.get("/read");
  expect([response.status, response.headers["retry-after"], response.setCookies]).toEqual([503, "1", []]);
  expect(errors).toMatchObject([{ code: "ERR_STORE_UNAVAILABLE", status: 503 }]);
  expect((errors[0] as SessionStackError).cause).toBe(cause);
});

test("a failed save turns the response into a 503 without anything of the page", async () => {
  const store = new FailingStore();
  const { browser, errors } = await visit(store);
  store.failing = { set: new Error("disk full") };
  const { status, headers, setCookies, body } = await browser.get("/file");
  expect([status, headers["retry-after"], setCookies]).toEqual([503, "1", []]);
  expect(body).not.toContain("a,b");
  for (const name of ["content-disposition", "etag", "cache-control", "location"]) {
    expect(headers[name]).toBeUndefined();
  }
  expect(errors).toMatchObject([{ code: "ERR_STORE_UNAVAILABLE", cause: { message: "disk full" } }]);
  store.failing = {};
  expect((await browser.get("/")).body).toBe("1");
});

test("a save that fails after the head leaves the response complete, and emits an error event", async () => {
  const store = new FailingStore();
  const { browser, errors, reported } = await visit(store);
  await browser.get("/");
  store.failing = { set: new Error("disk full") };
  const response = await browser.get("/chunks");
  expect([response.status, response.body, errors]).toEqual([200, "one two", []]);
  expect(reported).toMatchObject([{ code: "ERR_STORE_UNAVAILABLE" }]);
});

test("a failed touch leaves the response complete, and emits an error event", async () => {
  const store = new FailingStore();
  const { browser, errors, reported } = await visit(store, { touchAfterMs: 0 });
  await browser.get("/");
  store.failing = { touch: new Error("read-only") };
  const response = await browser.get("/read");
  expect([response.status, response.body, errors]).toEqual([200, "1", []]);
  expect(reported).toMatchObject([{ code: "ERR_STORE_UNAVAILABLE", cause: { message: "read-only" } }]);
});

test("destroy rejects if the store's destroy fails", async () => {
  const store = new FailingStore();
  const { browser, errors } = await visit(store);
  await browser.get("/");
  store.failing = { destroy: new Error("locked") };
  expect((await browser.get("/destroy")).status).toBe(503);
  expect(errors).toMatchObject([{ code: "ERR_STORE_UNAVAILABLE", cause: { message: "locked" } }]);
});

test.each(["get", "set"] as const)(
  "a %s that throws is answered with 503, like one that fails",
  async (name) => {
    const store = new SynchronousStore();
    const { browser, errors } = await visit(store);
    await browser.get("/");
    store[name] = () => {
      throw new Error("not even a callback");
    };
    expect((await browser.get("/")).status).toBe(503);
    expect(errors).toMatchObject([
      { code: "ERR_STORE_UNAVAILABLE", cause: { message: "not even a callback" } },
    ]);
  },
);

test.each(["get", "set"] as const)(
  "a %s that never calls back is answered with 503 within timeoutMs",
  async (name) => {
    const store = new SynchronousStore();
    const { browser, errors } = await visit(store, { timeoutMs: 100 });
    await browser.get("/");
    store[name] = () => {};
    expect((await browser.get("/")).status).toBe(503);
    expect(errors).toMatchObject([
      { code: "ERR_STORE_UNAVAILABLE", message: expect.stringContaining("100 ms") },
    ]);
  },
);

test("an error event without a listener is a warning of the process", async () => {
  const store = new FailingStore();
  const app = express();
  app.use(sessionMiddleware({ secret, store, touchAfterMs: 0 }));
  app.get("/", (req, res) => void res.json(data(req).count ?? countUp(req)));
  const browser = await browse(app);
  await browser.get("/");
  store.failing = { touch: new Error("read-only") };
  const emitted = jest.spyOn(process, "emitWarning").mockImplementation(() => {});
  try {
    expect((await browser.get("/")).status).toBe(200);
    expect(emitted).toHaveBeenCalledWith(expect.objectContaining({ code: "ERR_STORE_UNAVAILABLE" }));
  } finally {
    emitted.mockRestore();
  }
});
