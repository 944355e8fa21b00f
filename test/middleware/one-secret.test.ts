import express from "express";
import {
  type Backend,
  cookieMiddleware,
  sessionMiddleware,
  sessionMiddlewareStack,
} from "../../lib/index.ts";
import { Browser } from "../support/browser.ts";
import { listen } from "../support/http-server.ts";
import { afterThisTest, me, places, type Served, secret, serve, sidOf, signIn } from "../users/support.ts";

/** Ids that an attacker may choose who can have any text signed. */
const chosenIds = [
  "mine",
  "__proto__",
  "constructor",
  "../../etc/passwd",
  "a:b{c}*",
  "session-stack:nodes",
  "x".repeat(2_000),
];

/** One secret signs the session's cookie and the app's own cookies, and the app signs any text of its users. */
describe.each(places)("an app's signed cookie in the place of the session's, on $place", ({ open }) => {
  let backend: Backend;
  let served: Served;

  beforeEach(async () => {
    backend = await open();
    served = await serve({
      backend,
      session: {},
      routes(app) {
        app.get("/sign", (req, res) => {
          Object.assign(req, { secret });
          res.cookie("x", String(req.query.v), { signed: true }).end();
        });
        app.get("/id", (req, res) => void res.json({ id: req.sessionID, signed: req.signedCookies }));
      },
    });
  });

  /** A visitor who has copied a text signed by the app into the session's cookie. */
  async function forger(text: string): Promise<Browser> {
    const browser = served.browser();
    await browser.get(`/sign?v=${encodeURIComponent(text)}`);
    browser.cookies.set("connect.sid", browser.cookies.get("x") as string);
    expect(sidOf(browser)).toBe(text);
    return browser;
  }

  test.each(chosenIds.map((id) => ({ id, name: id.slice(0, 20) })))(
    "begins no session under the chosen id $name",
    async ({ id }) => {
      const browser = await forger(id);
      expect((await browser.get("/id")).json()).toMatchObject({ id: expect.stringMatching(/^[\w-]{32}$/) });
      await browser.post("/set", { json: { color: "red" } });
      expect(sidOf(browser)).toMatch(/^[\w-]{32}$/);
      expect(await backend.sessions.read(id)).toBeUndefined();
      const again = await forger(id);
      expect(await me(again)).toEqual({});
      // Not on a connection either.
      await again.webSocket("/ws");
      expect(served.opened.at(-1)?.req.sessionID).toMatch(/^[\w-]{32}$/);
      expect(await backend.sessions.read(id)).toBeUndefined();
    },
  );

  test("plants no session: a login with it gets another id, which the attacker does not know", async () => {
    const [victim, planter] = [await forger("planted"), await forger("planted")];
    await victim.post("/login", { json: { user: "ada" } });
    expect(await me(victim)).toMatchObject({ login: { userId: "ada" } });
    expect(sidOf(victim)).not.toBe("planted");
    expect(await me(planter)).toEqual({});
    expect(await backend.sessions.read("planted")).toBeUndefined();
  });

  test("does not bring back an ended session", async () => {
    const user = await signIn(served, "ada");
    const sid = sidOf(user);
    await user.post("/logout");
    expect(await me(await forger(sid))).toEqual({});
    expect(await backend.sessions.read(sid)).toBeUndefined();
  });

  test("opens the session of a live id, which is why ids are secret", async () => {
    const user = await signIn(served, "ada");
    expect(await me(await forger(sidOf(user)))).toMatchObject({ login: { userId: "ada" } });
  });
});

/** Two secrets, as the docs advise for an app that signs texts of its users. */
describe("with a separate secret for the session", () => {
  async function start(): Promise<string> {
    const stack = sessionMiddlewareStack(
      cookieMiddleware({ secret: "a secret of the app's own cookies, of 32 bytes" }),
      sessionMiddleware({ secret }),
    );
    const app = express();
    app.use(stack());
    app.get("/sign", (req, res) => void res.cookie("x", String(req.query.v), { signed: true }).end());
    app.get("/id", (req, res) => {
      Object.assign(req.session, { visited: true });
      res.json({ id: req.sessionID, signed: req.signedCookies });
    });
    const { url, close } = await listen(app);
    afterThisTest(close);
    return url;
  }

  test("a signed cookie of the app opens no session, not even with the id of a live one", async () => {
    const url = await start();
    const user = new Browser(url);
    const { id } = (await user.get("/id")).json() as { id: string };
    expect(sidOf(user)).toBe(id);
    const forger = new Browser(url);
    await forger.get(`/sign?v=${id}`);
    forger.cookies.set("connect.sid", forger.cookies.get("x") as string);
    expect(sidOf(forger)).toBe(id);
    expect((await forger.get("/id")).json()).not.toMatchObject({ id });
  });

  test("the session's cookie is not a signed cookie of the app", async () => {
    const browser = new Browser(await start());
    await browser.get("/id");
    browser.cookies.set("x", browser.cookies.get("connect.sid") as string);
    expect((await browser.get("/id")).json()).toMatchObject({ signed: { x: false } });
  });
});
