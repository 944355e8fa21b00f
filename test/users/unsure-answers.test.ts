import type { Backend } from "../../lib/index.ts";
import { eventually } from "../support/eventually.ts";
import {
  answerNext,
  data,
  gate,
  indexed,
  lost,
  me,
  places,
  type Served,
  serve,
  sidOf,
  signIn,
} from "./support.ts";

const never = () => new Promise<never>(() => {});

describe.each(places)("on $place, when an answer does not come", ({ open }) => {
  let backend: Backend;
  let served: Served;

  beforeEach(async () => {
    backend = await open();
    served = await serve({
      backend,
      session: { timeoutMs: 300 },
      routes: (app, { logIn, logOut }) => {
        app.post("/login-or-else", async (req, res) => {
          data(req).tried = 1;
          await logIn(req, "ada").catch(() => {});
          data(req).tried = 2;
          res.sendStatus(200);
        });
        app.post("/login-twice", async (req, res) => {
          await logIn(req, "ada").catch(() => {});
          await req.session.save();
          res.sendStatus(200);
        });
        app.post("/login-again", async (req, res) => {
          await logIn(req, "ada").catch(() => {});
          await logIn(req, "ada");
          res.sendStatus(200);
        });
        app.post("/logout-twice", async (req, res) => {
          const first = await logOut(req).then(
            () => "ended",
            (error) => error.code,
          );
          const second = await logOut(req).then(
            () => "ended",
            (error) => error.code,
          );
          res.json([first, second]);
        });
        app.post("/save-and-forget", (req, res) => {
          data(req).forgotten = true;
          void req.session.save();
          res.sendStatus(200);
        });
        app.post("/login-and-fail", async (req, res) => {
          await logIn(req, "ada");
          res.sendStatus(500);
        });
        app.post("/regenerate-and-fail", async (req, res) => {
          await req.session.regenerate();
          res.sendStatus(500);
        });
      },
    });
  });

  async function nobodyIsLoggedIn(): Promise<void> {
    await eventually(async () => {
      expect(await indexed(backend, "ada")).toEqual([]);
      for await (const [, session] of backend.sessions.walk())
        expect(session).not.toMatchObject({ login: { userId: "ada" } });
    });
  }

  // The cookie of the 503 was once logged in, although the sessions had been deleted in between.
  test.each(["/login-or-else", "/login-twice"])(
    "to a login's first save while the user's sessions are deleted, %s logs nobody in",
    async (path) => {
      const stored = gate();
      answerNext(backend.sessions, "write", () => {
        stored.open();
        return never();
      });
      const browser = served.browser();
      const loggingIn = browser.post(path);
      await stored.opened;
      expect(await served.users.deleteUserSessions("ada")).toMatchObject({ sessionsDeleted: 1 });
      const { setCookies } = await loggingIn;
      expect(setCookies).toEqual([]);
      expect(await me(browser)).toEqual({});
      await nobodyIsLoggedIn();
    },
  );

  test.each([
    ["lost", lost],
    ["late", never],
  ])("to a login's first save (the answer is %s), the login fails and leaves nothing", async (_, answer) => {
    answerNext(backend.sessions, "write", answer);
    const browser = served.browser();
    const response = await browser.post("/login", { json: { user: "ada" } });
    expect([response.status, response.setCookies]).toEqual([503, []]);
    await nobodyIsLoggedIn();
  });

  test("a failed save is not repeated by itself, and is reported if the response does not report it", async () => {
    answerNext(backend.sessions, "write", lost);
    const browser = served.browser();
    const response = await browser.post("/login-or-else");
    expect([response.status, response.setCookies]).toEqual([200, []]);
    expect(served.errors).toMatchObject([{ code: "ERR_STORE_UNAVAILABLE" }]);
    await nobodyIsLoggedIn();
  });

  test("to a save that nobody waits for, the response reports it", async () => {
    const browser = await signIn(served);
    answerNext(backend.sessions, "write", never);
    expect((await browser.post("/save-and-forget")).status).toBe(503);
  });

  test("to a first save that was stored after all, another try succeeds", async () => {
    answerNext(backend.sessions, "write", lost);
    const browser = served.browser();
    expect((await browser.post("/login-twice")).status).toBe(200);
    expect(await me(browser)).toMatchObject({ login: { userId: "ada" } });
    expect(await indexed(backend, "ada")).toEqual([sidOf(browser)]);
    expect(served.events).toEqual(["user_logged_in ada"]);
  });

  test("to a first save that was not stored, no session is made under the same id, but a new login works", async () => {
    const failing = () => {
      const { write } = backend.sessions;
      backend.sessions.write = async () => {
        backend.sessions.write = write.bind(backend.sessions);
        throw new Error("no");
      };
    };
    failing();
    expect((await served.browser().post("/login-twice")).status).toBe(503);
    await nobodyIsLoggedIn();
    failing();
    const browser = served.browser();
    expect((await browser.post("/login-again")).status).toBe(200);
    expect(await indexed(backend, "ada")).toEqual([sidOf(browser)]);
  });

  // The second call once found no session, and reported success.
  test("to the end of a session, a second call ends the session or reports the failure", async () => {
    const browser = await signIn(served);
    const cookies = new Map(browser.cookies);
    const { remove } = backend.sessions;
    backend.sessions.remove = async () => {
      throw new Error("no");
    };
    expect((await browser.post("/logout-twice")).json()).toEqual([
      "ERR_STORE_UNAVAILABLE",
      "ERR_STORE_UNAVAILABLE",
    ]);
    expect(await me(browser)).toMatchObject({ login: { userId: "ada" } });

    backend.sessions.remove = remove.bind(backend.sessions);
    answerNext(backend.sessions, "remove", lost);
    expect((await browser.post("/logout-twice")).json()).toEqual(["ERR_STORE_UNAVAILABLE", "ended"]);
    for (const [name, value] of cookies) browser.cookies.set(name, value);
    expect(await me(browser)).toEqual({});
  });

  // The session was stored, and nobody had its cookie.
  test("a 500 after a login carries the cookie of the stored session", async () => {
    const browser = served.browser();
    expect((await browser.post("/login-and-fail")).status).toBe(500);
    expect(await me(browser)).toMatchObject({ login: { userId: "ada" } });
    expect(await indexed(backend, "ada")).toEqual([sidOf(browser)]);
  });

  test("a 500 after a session has ended and before another is stored expires the cookie", async () => {
    const browser = await signIn(served);
    expect((await browser.post("/regenerate-and-fail")).status).toBe(500);
    expect(browser.cookies.size).toBe(0);
  });
});

// Its Set-Cookie once took the place of the login's.
describe.each(places)(
  "on $place, a late request that still has the cookie from before the login",
  ({ open }) => {
    test("sends no cookie and stores nothing, on any node", async () => {
      const backend = await open();
      const served = await serve({ backend });
      const browser = served.browser();
      await browser.post("/set", { json: { cart: 1 } });
      const late = served.browser();
      for (const [name, value] of browser.cookies) late.cookies.set(name, value);
      await browser.post("/login", { json: { user: "ada" } });

      const response = await late.post("/set", { json: { cart: 2 } });
      expect([response.status, response.setCookies]).toEqual([200, []]);
      expect(await me(late)).toEqual({});
      let stored = 0;
      for await (const _ of backend.sessions.walk()) stored++;
      expect(stored).toBe(1);
      expect(await me(browser)).toMatchObject({ login: { userId: "ada" } });

      // Whoever logs in says who he is, and gets a session of his own.
      expect((await late.post("/login", { json: { user: "grace" } })).status).toBe(200);
      expect(await me(late)).toMatchObject({ login: { userId: "grace" } });
    });
  },
);
