import express, { type RequestHandler } from "express";
import session from "express-session";
import { cookieMiddleware, type SessionMiddlewareOptions, sessionMiddleware } from "../../lib/index.ts";
import { browse, cookieAttributes, countUp, data, secret, sidOf, versions } from "./support.ts";

function counterApp(...middlewares: RequestHandler[]) {
  const app = express();
  for (const middleware of middlewares) app.use(middleware);
  app.get("/", (req, res) => void res.json(countUp(req)));
  return app;
}

describe("defaults", () => {
  test("the cookie is HttpOnly and SameSite=Lax, for the whole site, and ends with the browser", async () => {
    const response = await (await browse(counterApp(sessionMiddleware({ secret })))).get("/");
    expect(cookieAttributes(response)).toEqual(["Path=/", "HttpOnly", "SameSite=Lax"]);
  });

  test("a session without data is not stored, and its cookie is not sent", async () => {
    const store = new session.MemoryStore();
    const app = express();
    app.use(sessionMiddleware({ secret, store }));
    app.get("/", (req, res) => void res.json(data(req).count ?? null));
    expect((await (await browse(app)).get("/")).setCookies).toEqual([]);
    expect(Object.keys((store as unknown as { sessions: object }).sessions)).toEqual([]);
  });

  test("an id has at least 24 random bytes, and no two ids are equal", async () => {
    const browser = await browse(counterApp(sessionMiddleware({ secret })));
    const ids = new Set<string>();
    for (let n = 0; n < 50; n++) {
      browser.cookies.clear();
      await browser.get("/");
      ids.add(sidOf(browser));
    }
    expect(ids.size).toBe(50);
    for (const id of ids) expect(Buffer.from(id, "base64url").length).toBeGreaterThanOrEqual(24);
  });

  test("the options object is not changed", () => {
    const options = Object.freeze({ secret, cookie: Object.freeze({ maxAge: 1_000 }) });
    expect(() => sessionMiddleware(options)).not.toThrow();
  });

  test("an undefined option counts as not given", async () => {
    const options = {
      secret,
      name: undefined,
      genid: undefined,
      resave: undefined,
      unset: undefined,
      store: undefined,
    };
    const browser = await browse(
      counterApp(sessionMiddleware(options as unknown as SessionMiddlewareOptions)),
    );
    expect(cookieAttributes(await browser.get("/"))).toBeDefined();
  });
});

describe("secret", () => {
  test("the first of several signs, and each of them is accepted", async () => {
    const store = new session.MemoryStore();
    const rotate = (secrets: SessionMiddlewareOptions["secret"] & {}) =>
      browse(counterApp(sessionMiddleware({ secret: secrets, store })));
    const before = await rotate("old");
    const line = (await before.get("/")).setCookies[0];
    const cookie = { cookie: `connect.sid=${before.cookies.get("connect.sid")}` };

    const during = await rotate(["new", "old"]);
    const old = await during.get("/", { headers: cookie });
    expect([old.body, old.setCookies]).toEqual(["2", []]);
    const fresh = (await during.get("/")).setCookies[0];
    expect(fresh).not.toEqual(line);

    const after = await rotate("new");
    expect((await after.get("/", { headers: cookie })).body).toBe("1");
    expect((await after.get("/", { headers: { cookie: String(fresh).split(";")[0] } })).body).toBe("2");
  });

  test("may be a Buffer, as in express-session", async () => {
    const store = new session.MemoryStore();
    const key = Buffer.from("00ff10ee20dd30cc40bb50aa", "hex");
    const browser = await browse(counterApp(sessionMiddleware({ secret: key, store })));
    await browser.get("/");
    const theirs = await browse(
      counterApp(session({ secret: key as never, store, resave: false, saveUninitialized: false })),
    );
    expect(
      (await theirs.get("/", { headers: { cookie: `connect.sid=${browser.cookies.get("connect.sid")}` } }))
        .body,
    ).toBe("2");
  });

  test("comes from cookieMiddleware if it is not given", async () => {
    const browser = await browse(counterApp(cookieMiddleware({ secret }), sessionMiddleware()));
    expect([(await browser.get("/")).body, (await browser.get("/")).body]).toEqual(["1", "2"]);
  });

  test.each(versions)("is required: without one each request fails, in $version", async ({ createApp }) => {
    const app = createApp();
    let message = "";
    app.use(cookieMiddleware(), sessionMiddleware());
    app.use(((error: Error, _req, res, _next) => {
      message = error.message;
      res.status(500).end();
    }) as express.ErrorRequestHandler);
    expect((await (await browse(app)).get("/")).status).toBe(500);
    expect(message).toContain('"secret"');
  });
});

describe("a cookie that cannot be written", () => {
  const forHost = { secret, cookie: (req: express.Request) => ({ domain: req.hostname }) };

  test.each(versions)(
    "emits an error event, and the response is sent without it, on $version",
    async ({ createApp }) => {
      const errors: Error[] = [];
      const middleware = sessionMiddleware(forHost).on("error", (error) => errors.push(error));
      const app = createApp();
      app.use(middleware);
      app.get("/", (req, res) => void res.json(countUp(req)));
      app.get("/saved", (req, res) => {
        countUp(req);
        req.session.save(() => res.json("saved"));
      });
      const browser = await browse(app);
      for (const path of ["/", "/saved"]) {
        const response = await browser.get(path, { headers: { host: "a_b.example.com" } });
        expect([response.status, response.setCookies]).toEqual([200, []]);
      }
      expect(errors.map(({ message }) => message)).toEqual(Array(2).fill(expect.stringContaining("domain")));
    },
  );
});

test("a response end that Node refuses ends the line, not the process", async () => {
  const errors: Error[] = [];
  const middleware = sessionMiddleware({ secret }).on("error", (error) => errors.push(error));
  const app = express();
  app.use(middleware);
  app.get("/", (req, res) => {
    countUp(req);
    res.statusMessage = "a\nb";
    res.end("text");
  });
  await expect((await browse(app)).get("/")).rejects.toThrow();
  expect(errors).toMatchObject([{ code: "ERR_INVALID_CHAR" }]);
});

test("genid receives the request", async () => {
  let made = 0;
  const genid = (req: express.Request) => `${req.get("x-tenant")}-${++made}`;
  const browser = await browse(counterApp(sessionMiddleware({ secret, genid })));
  await browser.get("/", { headers: { "x-tenant": "acme" } });
  expect(sidOf(browser)).toBe("acme-1");
});

test('a cookie function may return secure: "auto" and sameSite: "auto"', async () => {
  const app = express();
  app.set("trust proxy", 1);
  app.use(sessionMiddleware({ secret, cookie: () => ({ secure: "auto", sameSite: "auto" }) }));
  app.get("/", (req, res) => void res.json(countUp(req)));
  const browser = await browse(app);
  const plain = await browser.get("/");
  browser.cookies.clear();
  const tls = await browser.get("/", { headers: { "x-forwarded-proto": "https" } });
  expect(cookieAttributes(plain)).toEqual(["Path=/", "HttpOnly", "SameSite=Lax"]);
  expect(cookieAttributes(tls)).toEqual(["Path=/", "HttpOnly", "Secure", "SameSite=None"]);
});

test.each<[string, Record<string, unknown>]>([
  ["genid", { genid: "uuid" }],
  ["unset", { unset: "remove" }],
  ["secret", { secret: [] }],
  ["cookie", { cookie: "secure" }],
  ["cookie", { cookie: null }],
  ["store", { store: {} }],
  ["saveUnless", { saveUnless: 500 }],
  ["touchAfterMs", { touchAfterMs: -1 }],
  ["touchAfterMs", { touchAfterMs: Number.NaN }],
  ["timeoutMs", { timeoutMs: 0 }],
  ["timeoutMs", { timeoutMs: "2s" }],
  ["timeoutMs", { timeoutMs: 2 ** 31 }],
  ["timeoutMs", { timeoutMs: Number.POSITIVE_INFINITY }],
  ["secret", { secret: "" }],
  ["secret", { secret: ["right", ""] }],
  ["secret", { secret: null }],
  ["secret", { secret: Buffer.alloc(0) }],
  ["name", { name: "my session" }],
  ["cookie.domain", { cookie: { domain: "no;domain" } }],
  ["cookie.path", { cookie: { path: "/no;path" } }],
])("a wrong %s is a TypeError that names it: %j", (option, wrong) => {
  const make = () => sessionMiddleware({ secret, ...wrong } as SessionMiddlewareOptions);
  expect(make).toThrow(TypeError);
  expect(make).toThrow(`option "${option}"`);
});
