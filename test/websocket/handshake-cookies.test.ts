import type { Request } from "express";
import type { WebSocketSessionsOptions } from "../../lib/index.ts";
import { closed } from "../support/browser.ts";
import { keepCookies } from "../support/cookie-jar.ts";
import { rawRequest } from "../support/raw-socket.ts";
import { type Place, places } from "./places.ts";
import { type Answer, answerIn, cookieNames, cookieOf, handshake } from "./raw-handshake.ts";
import { ask, data, overHttp, type Served, serve, sidOf, signIn, stored } from "./support.ts";

type Authorize = NonNullable<WebSocketSessionsOptions["authorize"]>;

/** The name of a cookie by which a guest's connection is found. */
const GUEST = expect.stringMatching(/^connect\.sid\.guest\.[\w-]{22}$/);

describe.each(places)("cookies of a handshake, with sessions on $place", ({ open }) => {
  let place: Place;
  let served: Served;
  const servedWith = async (authorize: Authorize) => {
    place = await open();
    served = await serve({ place, webSocket: { path: "/ws", authorize } });
  };
  /** The raw head of the answer. */
  const answerTo = async (headers: Record<string, string | undefined> = {}): Promise<Answer> =>
    answerIn(await rawRequest(served.port, handshake("/ws", headers), { until: "\r\n\r\n" }));

  test("a new session that authorize saves has one Set-Cookie line in the 101", async () => {
    await servedWith(async (req) => {
      data(req).name = "Ada";
      await req.session.save();
      return true;
    });
    const answer = await answerTo();
    expect(answer.status).toBe(101);
    expect(cookieNames(answer)).toEqual(["connect.sid"]);
    expect(answer.headers["set-cookie"]).toMatch(/^connect\.sid=s%3A[^;]+; Path=\/; HttpOnly; SameSite=Lax$/);
    const browser = served.browser();
    keepCookies(browser.cookies, [String(answer.headers["set-cookie"])]);
    expect(await overHttp(browser)).toEqual({ name: "Ada" });
  });

  test("a new session that is changed and not saved has only the guest's line, and is not stored", async () => {
    let sid = "";
    await servedWith((req) => {
      data(req).name = "Ada";
      sid = req.sessionID;
      return true;
    });
    const answer = await answerTo();
    expect(answer.status).toBe(101);
    expect(cookieNames(answer)).toEqual([GUEST]);
    expect(await stored(place.store, sid)).toBeUndefined();
  });

  test("a session that the client already has gets no line, saved or not", async () => {
    await servedWith(async (req) => {
      if (req.headers["x-save"]) {
        data(req).visits = 1;
        await req.session.save();
      }
      return true;
    });
    const browser = await signIn(served);
    expect(cookieNames(await answerTo(cookieOf(browser)))).toEqual([]);
    expect(cookieNames(await answerTo({ ...cookieOf(browser), "X-Save": "1" }))).toEqual([]);
    expect(await overHttp(browser)).toEqual({ name: "Ada", visits: 1 });
  });

  test("other cookies have one line each beside the session's line", async () => {
    await servedWith(async (req, res) => {
      res.cookie("theme", "dark, very").cookie("lang", "en", { maxAge: 1000 });
      if (req.headers["x-save"]) await req.session.save();
      return true;
    });
    expect(cookieNames(await answerTo())).toEqual(["theme", "lang", GUEST]);
    expect(cookieNames(await answerTo({ "X-Save": "1" }))).toEqual(["theme", "lang", "connect.sid"]);
  });

  test("a login in authorize sets a new cookie, and ends the old session and its connections", async () => {
    await servedWith(async (req) => {
      if (req.headers["x-login"]) {
        await req.session.regenerate();
        data(req).user = "ada";
        await req.session.save();
      }
      return true;
    });
    const browser = await signIn(served, { cart: ["tea"] });
    const before = sidOf(browser);
    const old = await browser.webSocket("/ws");
    const fresh = await browser.webSocket("/ws", { headers: { "X-Login": "1" } });
    expect(await closed(old)).toEqual({ code: 4009, reason: "session_replaced" });
    expect(fresh.readyState).toBe(fresh.OPEN);
    expect(sidOf(browser)).not.toBe(before);
    expect(await stored(place.store, before)).toBeUndefined();
    expect(await overHttp(browser)).toEqual({ user: "ada" });
    await browser.post("/destroy");
    expect(await closed(fresh)).toEqual({ code: 4501, reason: "session_ended" });
  });

  test("a refusal also sends the cookies, so the visitor is known next time", async () => {
    await servedWith(async (req, res) => {
      res.cookie("theme", "dark");
      data(req).attempts = Number(data(req).attempts ?? 0) + 1;
      await req.session.save();
      return Number(data(req).attempts) > 1;
    });
    const browser = served.browser();
    await expect(browser.webSocket("/ws")).rejects.toMatchObject({ statusCode: 403 });
    expect([...browser.cookies.keys()].sort()).toEqual(["connect.sid", "theme"]);
    await browser.webSocket("/ws");
    expect(await overHttp(browser)).toEqual({ attempts: 2 });
  });

  test("a handshake is refused with 401 if authorize destroys the session and returns true", async () => {
    await servedWith(async (req) => {
      await req.session.destroy();
      return true;
    });
    const browser = await signIn(served);
    await expect(browser.webSocket("/ws")).rejects.toMatchObject({ statusCode: 401 });
    expect(await stored(place.store, sidOf(browser))).toBeUndefined();
  });
});

test("req.res of an open connection is always the same object, and writes to it are not sent", async () => {
  const served = await serve();
  const ws = await served.browser().webSocket("/ws");
  const { req } = served.opened[0] as { req: Request };
  const { res } = req;
  expect(res).toBeDefined();
  expect(req.res).toBe(res);
  res?.status(500).send("too late");
  expect(await ask(ws, "get")).toEqual({});
});
