import cookieParser from "cookie-parser";
import type { RequestHandler } from "express";
import session from "express-session";
import { cookieMiddleware, sessionMiddleware } from "../../lib/index.ts";
import { browse, countUp, secret, signed, versions } from "./support.ts";

const loseHeader: RequestHandler = (req, _res, next) => {
  delete req.headers.cookie;
  next();
};
const changeHeader: RequestHandler = (req, _res, next) => {
  req.headers.cookie = "theme=dark; another.connect.sid=1";
  next();
};

describe.each(versions)("in $version", ({ createApp }) => {
  async function visit(...middlewares: RequestHandler[]) {
    const app = createApp();
    for (const middleware of middlewares) app.use(middleware);
    app.get("/", (req, res) => void res.json(countUp(req)));
    return browse(app);
  }

  // Once, only the header counted. express-session also reads the cookies that an earlier parser has found.
  test.each([
    ["req.cookies of cookie-parser", cookieParser(), loseHeader],
    ["req.signedCookies of cookie-parser", cookieParser(secret), loseHeader],
    ["req.cookies, beside a header with others", cookieParser(), changeHeader],
    ["req.signedCookies, beside a header with others", cookieParser(secret), changeHeader],
    ["req.cookies of cookieMiddleware", cookieMiddleware(), loseHeader],
    ["req.signedCookies of cookieMiddleware", cookieMiddleware({ secret }), loseHeader],
  ])("the session is found through %s if the header lacks its cookie", async (_what, parser, lose) => {
    const browser = await visit(parser, lose, sessionMiddleware({ secret }));
    expect([(await browser.get("/")).body, (await browser.get("/")).body]).toEqual(["1", "2"]);
  });

  test.each([
    ["an unsigned id", "an-id"],
    ["an id with a wrong signature", decodeURIComponent(signed("an-id", "not the secret of this app"))],
    ["an id with a cut signature", decodeURIComponent(signed("an-id")).slice(0, -1)],
    ["no text", { id: "an-id" }],
    ["a list", ["an-id"]],
  ])("req.cookies with %s opens no session", async (_what, value) => {
    const store = new session.MemoryStore();
    store.set("an-id", { cookie: new session.Cookie(), count: 7 } as never);
    const set: RequestHandler = (req, _res, next) => {
      req.cookies = { "connect.sid": value };
      req.signedCookies = { "connect.sid": false };
      next();
    };
    const browser = await visit(set, sessionMiddleware({ secret, store }));
    expect((await browser.get("/")).body).toBe("1");
  });

  test("a header cookie signed with another secret opens nothing, even if a parser has that secret", async () => {
    const store = new session.MemoryStore();
    const theirs = "the secret of the parser, which is not the session's";
    store.set("an-id", { cookie: new session.Cookie(), count: 7 } as never);
    const browser = await visit(cookieParser(theirs), sessionMiddleware({ secret, store }));
    const cookie = `connect.sid=${signed("an-id", theirs)}`;
    expect((await browser.get("/", { headers: { cookie } })).body).toBe("1");
  });

  // As in express-session, the session is found among the signed cookies. cookie-parser reveals only its first secret.
  test("a session middleware without a secret accepts each secret of cookie-parser", async () => {
    const store = new session.MemoryStore();
    const old = "the secret of the parser until yesterday";
    const secrets = [secret, old];
    store.set("an-id", { cookie: new session.Cookie(), count: 7 } as never);
    const browser = await visit(cookieParser(secrets), sessionMiddleware({ store }));
    const cookie = `connect.sid=${signed("an-id", old)}`;
    expect((await browser.get("/", { headers: { cookie } })).body).toBe("8");
    secrets.pop();
    expect((await browser.get("/", { headers: { cookie } })).body).toBe("1");
  });
});
