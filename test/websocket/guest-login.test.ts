import type { WebSocket } from "ws";
import { type Browser, closed } from "../support/browser.ts";
import { type CookieJar, cookieHeaders } from "../support/cookie-jar.ts";
import { eventually } from "../support/eventually.ts";
import { byOwner, me, type Served, sidOf, signIn } from "../users/support.ts";
import { pairs } from "./two-nodes.ts";

const REPLACED = { code: 4009, reason: "session_replaced" };

// Once, the connections of a guest never got a user unless their session had been stored.
describe.each(pairs)("on $place, a guest's connections come back when the guest", ({ open }) => {
  let here: Served;
  let there: Served;
  let browser: Browser;

  const begin = async (options?: Parameters<typeof open>[0]) => {
    [here, there] = await open(options);
    browser = here.browser();
  };
  /** Connects to a node with the browser's current cookies or with earlier ones. */
  const connect = (to: Served, cookies: CookieJar = browser.cookies): Promise<WebSocket> =>
    browser.webSocket(`${to.url}/ws`, { headers: cookieHeaders(cookies) });
  const logIn = async (at = here, user = "ada") => {
    const { status } = await browser.post(`${at.url}/login`, { json: { user } });
    expect(status).toBe(200);
  };
  /** The user of a new connection. */
  const whoIs = async (at = here) => {
    await connect(at);
    return byLogin(at.opened.at(-1)?.req.session);
  };

  beforeEach(() => begin());

  test("logs in on another node without an earlier cookie", async () => {
    const lines = [await connect(here), await connect(there)];
    await logIn(there);
    for (const ws of lines) expect(await closed(ws)).toEqual(REPLACED);
    expect([await whoIs(here), await whoIs(there)]).toEqual(["ada", "ada"]);
  });

  test("logs in, with the cookie of a session that has ended", async () => {
    browser = await signIn(here, "grace");
    // A browser that missed the answer to the logout still has the cookie.
    const cookie = browser.cookies.get("connect.sid") as string;
    await browser.post("/logout");
    browser.cookies.set("connect.sid", cookie);
    const lines = [await connect(here), await connect(there)];
    // A browser that keeps no cookies of handshakes sends only that cookie.
    for (const name of [...browser.cookies.keys()]) if (name !== "connect.sid") browser.cookies.delete(name);
    expect(browser.cookies.size).toBe(1);
    await logIn(there);
    for (const ws of lines) expect(await closed(ws)).toEqual(REPLACED);
    expect(await whoIs()).toBe("ada");
  });

  test.each(["s%3Aguess.guess", "guess", "%", ""])("logs in, with a cookie that is %j", async (value) => {
    browser.cookies.set("connect.sid", value);
    const ws = await connect(here);
    await logIn(there);
    expect(await closed(ws)).toEqual(REPLACED);
  });

  test.each([true, false])(
    "stores something in a session before the login, with a cookie of an old session: %p",
    async (isOld) => {
      if (isOld) {
        browser = await signIn(here);
        await browser.post("/logout");
      }
      const ws = await connect(here);
      await browser.post(`${there.url}/set`, { json: { cart: 1 } });
      const bound = await connect(here);
      await logIn(there);
      for (const line of [ws, bound]) expect(await closed(line)).toEqual(REPLACED);
      expect(await whoIs()).toBe("ada");
    },
  );

  test("logs in after several handshakes at the same time without cookies", async () => {
    const lines = await Promise.all([here, there, here, there].map((to) => connect(to)));
    expect(browser.cookies.size).toBe(4);
    await logIn(there);
    for (const ws of lines) expect(await closed(ws)).toEqual(REPLACED);
    expect([...browser.cookies.keys()]).toEqual(["connect.sid"]);
  });

  test("gets a user by a field that the app sets, without a new session id", async () => {
    await begin({ session: { userId: byOwner } });
    const ws = await connect(here);
    await browser.post(`${there.url}/set`, { json: { owner: "ada" } });
    expect(await closed(ws)).toEqual(REPLACED);
    expect([...browser.cookies.keys()]).toEqual(["connect.sid"]);
  });

  test("logs in during a handshake, in authorize", async () => {
    const authorize: Parameters<typeof open>[0] = {
      webSocket: {
        authorize: async (req) => {
          if (!req.headers["x-log-in"]) return true;
          await here.users.logIn(req, "ada");
          return true;
        },
      },
    };
    await begin(authorize);
    const guest = await connect(there);
    const user = await browser.webSocket("/ws", { headers: { "X-Log-In": "1" } });
    expect(await closed(guest)).toEqual(REPLACED);
    expect([...browser.cookies.keys()]).toEqual(["connect.sid"]);
    await me(browser);
    expect(user.readyState).toBe(user.OPEN);
  });

  test("logs in while the answer to the handshake is under way, and then sends any request", async () => {
    const ws = await connect(here);
    const given = new Map(browser.cookies);
    browser.cookies.clear();
    await logIn(there);
    expect(browser.cookies.size).toBe(1);
    for (const [name, value] of given) browser.cookies.set(name, value);
    expect(ws.readyState).toBe(ws.OPEN);
    expect(await me(browser)).toMatchObject({ login: { userId: "ada" } });
    expect(await closed(ws)).toEqual(REPLACED);
    expect([...browser.cookies.keys()]).toEqual(["connect.sid"]);
  });

  test("logs in that way, and then sends a handshake to another node", async () => {
    const ws = await connect(here);
    const given = new Map(browser.cookies);
    browser.cookies.clear();
    await logIn(here);
    for (const [name, value] of given) browser.cookies.set(name, value);
    await connect(there);
    expect(byLogin(there.opened.at(-1)?.req.session)).toBe("ada");
    expect(await closed(ws)).toEqual(REPLACED);
    expect([...browser.cookies.keys()]).toEqual(["connect.sid"]);
  });

  test("logs in, and an earlier handshake arrives late, as a guest or with a replaced session", async () => {
    const early = await connect(here);
    const asGuest = new Map(browser.cookies);
    await browser.post("/set", { json: { cart: 1 } });
    const bySession = new Map([["connect.sid", browser.cookies.get("connect.sid") as string]]);
    await logIn();
    expect(await closed(early)).toEqual(REPLACED);
    // The other node learns of it a moment later.
    for (const at of [here, there])
      for (const cookies of [asGuest, bySession]) {
        const late = await connect(at, cookies);
        expect(byLogin(at.opened.at(-1)?.req.session)).toBeUndefined();
        expect(await closed(late)).toEqual(REPLACED);
      }
  });

  test("logs out and then in as another user", async () => {
    for (const user of ["ada", "grace", "ada"]) {
      const guest = await connect(there);
      expect(byLogin(there.opened.at(-1)?.req.session)).toBeUndefined();
      await logIn(here, user);
      expect(await closed(guest)).toEqual(REPLACED);
      const ws = await connect(there);
      expect(byLogin(there.opened.at(-1)?.req.session)).toBe(user);
      await browser.post("/logout");
      expect((await closed(ws)).code).toBe(4501);
    }
  });

  test("logs in, but not when another guest logs in or nobody does", async () => {
    const ws = await connect(here);
    const other = here.browser();
    const bystander = await other.webSocket(`${there.url}/ws`);
    await signIn(here, "grace");
    await other.post("/set", { json: { cart: 1 } });
    await other.post("/regenerate");
    await logIn();
    expect(await closed(ws)).toEqual(REPLACED);
    await eventually(() => expect(here.wsSessions.connections.size).toBe(0));
    expect(bystander.readyState).toBe(bystander.OPEN);
    expect(sidOf(other)).not.toBe("");
  });
});

function byLogin(session: unknown): string | undefined {
  return (session as { login?: { userId: string } } | undefined)?.login?.userId;
}
