import { type Backend, webSocketSessions } from "../../lib/index.ts";
import { type Browser, closed, messages } from "../support/browser.ts";
import {
  data,
  gate,
  handshakeStatus,
  indexed,
  me,
  places,
  type Served,
  serve,
  sidOf,
  signIn,
} from "./support.ts";

const nothing = { sessionsDeleted: 0, connectionsClosed: 0, silentNodes: [] };
const ended = { code: 4501, reason: "session_ended" };

describe.each(places)("on $place", ({ open }) => {
  let backend: Backend;
  let served: Served;

  beforeEach(async () => {
    backend = await open();
    served = await serve({ backend });
  });

  /** That a cookie which once was the user's opens nothing any more, by any way. */
  async function expectSignedOut(browser: Browser): Promise<void> {
    expect(await me(browser)).toEqual({});
    const ws = await browser.webSocket("/ws");
    ws.send("who");
    expect(await messages(ws).nextJson()).toEqual({});
    ws.terminate();
  }

  describe("deleteUserSessions", () => {
    test("ends every session of the user, and returns a receipt", async () => {
      const other = webSocketSessions(served.stack, { path: "/other" });
      served.server.on("upgrade", other.handleUpgrade);
      const browsers = [await signIn(served), await signIn(served), await signIn(served)] as const;
      const grace = await signIn(served, "grace");
      const graces = await grace.webSocket("/ws");
      const connections = [
        await browsers[0].webSocket("/ws"),
        await browsers[0].webSocket("/other"),
        await browsers[1].webSocket("/ws"),
      ];
      expect(await served.users.deleteUserSessions("ada")).toEqual({
        sessionsDeleted: 3,
        connectionsClosed: 3,
        silentNodes: [],
      });
      for (const ws of connections) expect(await closed(ws)).toEqual(ended);
      for (const browser of browsers) await expectSignedOut(browser);
      expect(await served.users.listUserSessions("ada")).toEqual([]);
      expect(await me(grace)).toMatchObject({ login: { userId: "grace" } });
      graces.send("who");
      expect(await messages(graces).nextJson()).toMatchObject({ login: { userId: "grace" } });
    });

    test("leaves the excepted session and its connections", async () => {
      const [mine, other] = [await signIn(served), await signIn(served)];
      const [stays, goes] = [await mine.webSocket("/ws"), await other.webSocket("/ws")];
      expect(await served.users.deleteUserSessions("ada", { except: sidOf(mine) })).toEqual({
        sessionsDeleted: 1,
        connectionsClosed: 1,
        silentNodes: [],
      });
      expect(await closed(goes)).toEqual(ended);
      stays.send("who");
      expect(await messages(stays).nextJson()).toMatchObject({ login: { userId: "ada" } });
      expect(await indexed(backend, "ada")).toEqual([sidOf(mine)]);
      await expectSignedOut(other);
    });

    test("ends all sessions if the exception is not one of them", async () => {
      const browser = await signIn(served);
      const { sessionsDeleted } = await served.users.deleteUserSessions("ada", { except: "unknown" });
      expect(sessionsDeleted).toBe(1);
      await expectSignedOut(browser);
    });

    test("of a user without sessions is an empty receipt", async () => {
      await signIn(served, "grace");
      expect(await served.users.deleteUserSessions("ada")).toEqual(nothing);
      expect(await served.users.listUserSessions("grace")).toHaveLength(1);
    });

    test("of a user without an id rejects with a TypeError, and ends nothing", async () => {
      await signIn(served);
      for (const user of [undefined, null, "", {}, { id: undefined }])
        await expect(served.users.deleteUserSessions(user as never)).rejects.toThrow(TypeError);
      expect(await indexed(backend, "ada")).toHaveLength(1);
    });

    test("works when destructured, when repeated, and many times at once", async () => {
      const { deleteUserSessions, deleteUserSession, listUserSessions } = served.users;
      const browser = await signIn(served);
      await signIn(served);
      const receipts = await Promise.all(Array.from({ length: 10 }, () => deleteUserSessions({ id: "ada" })));
      for (const { silentNodes } of receipts) expect(silentNodes).toEqual([]);
      expect(await listUserSessions("ada")).toEqual([]);
      expect(await deleteUserSessions("ada")).toEqual(nothing);
      expect(await deleteUserSession("ada", sidOf(browser))).toBe(false);
      await expectSignedOut(browser);
    });

    test("lets the user log in again, with sessions that live", async () => {
      const browser = await signIn(served);
      await served.users.deleteUserSessions("ada");
      await browser.post("/login", { json: { user: "ada" } });
      expect(await me(browser)).toMatchObject({ login: { userId: "ada" } });
      expect(await indexed(backend, "ada")).toEqual([sidOf(browser)]);
    });

    test("closes a connection so that it neither receives nor sends any more", async () => {
      const browser = await signIn(served);
      const ws = await browser.webSocket("/ws");
      const heard: string[] = [];
      const { ws: line } = served.opened[0] as Served["opened"][0];
      line.on("message", (message) => heard.push(message.toString()));
      await served.users.deleteUserSessions("ada");
      for (const opened of served.opened) opened.ws.send("a broadcast", () => {});
      if (ws.readyState === ws.OPEN) ws.send("from the client");
      expect(await closed(ws)).toEqual(ended);
      expect(messages(ws).all).toEqual([]);
      expect(heard).toEqual([]);
    });
  });

  test("a request that was already running cannot write the session back, and is answered", async () => {
    const [arrived, alsoArrived, go] = [gate(), gate(), gate()];
    const running = await serve({
      backend,
      routes: (app) => {
        app.get("/slow", async (req, res) => {
          arrived.open();
          await go.opened;
          data(req).note = "written late";
          res.json({ as: req.session.login?.userId });
        });
        app.get("/slow-save", async (req, res) => {
          alsoArrived.open();
          await go.opened;
          data(req).note = "written late";
          const code = await req.session.save().catch((error) => error.code);
          res.json({ code });
        });
      },
    });
    const browser = await signIn(running);
    const answers = [browser.get("/slow"), browser.get("/slow-save")];
    await Promise.all([arrived.opened, alsoArrived.opened]);
    await served.users.deleteUserSessions("ada");
    go.open();
    expect((await answers[0])?.json()).toEqual({ as: "ada" });
    expect((await answers[1])?.json()).toEqual({ code: "ERR_SESSION_DELETED" });
    expect(await backend.sessions.read(sidOf(browser))).toBeUndefined();
    expect(await indexed(backend, "ada")).toEqual([]);
    await expectSignedOut(browser);
  });

  test("a handshake that was already running is refused", async () => {
    const [arrived, go] = [gate(), gate()];
    const running = await serve({
      backend,
      webSocket: {
        authorize: async (req) => {
          arrived.open();
          await go.opened;
          return req.session.login?.userId === "ada";
        },
      },
    });
    const browser = await signIn(running);
    const handshake = handshakeStatus(browser);
    await arrived.opened;
    await served.users.deleteUserSessions("ada");
    go.open();
    expect(await handshake).toBe(401);
  });

  describe("deleteUserSession", () => {
    test("ends one session of the user, with its connections", async () => {
      const [one, other] = [await signIn(served), await signIn(served)];
      const ws = await one.webSocket("/ws");
      expect(await served.users.deleteUserSession({ id: "ada" }, sidOf(one))).toBe(true);
      expect(await closed(ws)).toEqual(ended);
      await expectSignedOut(one);
      expect(await me(other)).toMatchObject({ login: { userId: "ada" } });
      expect(await indexed(backend, "ada")).toEqual([sidOf(other)]);
    });

    test("deletes no session of another user or without a user, and no missing one", async () => {
      const [grace, nobody] = [await signIn(served, "grace"), served.browser()];
      await signIn(served, "ada");
      await nobody.post("/set", { json: { color: "red" } });
      const ws = await grace.webSocket("/ws");
      for (const sid of [sidOf(grace), sidOf(nobody), "unknown", ""])
        expect(await served.users.deleteUserSession("ada", sid)).toBe(false);
      expect(await me(grace)).toMatchObject({ login: { userId: "grace" } });
      expect(await me(nobody)).toEqual({ color: "red" });
      expect(await indexed(backend, "ada")).toHaveLength(1);
      ws.send("who");
      expect(await messages(ws).nextJson()).toMatchObject({ login: { userId: "grace" } });
    });

    test("of a session that the user has already ended is false", async () => {
      const browser = await signIn(served);
      await browser.post("/logout");
      expect(await served.users.deleteUserSession("ada", sidOf(browser))).toBe(false);
    });
  });
});
