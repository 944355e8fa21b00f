import {
  cookieMiddleware,
  sessionMiddleware,
  sessionMiddlewareStack,
  webSocketSessions,
} from "../../lib/index.ts";
import { redisBackend } from "../../lib/redis.ts";
import { nextMessage } from "../support/browser.ts";
import { uniquePrefix } from "../support/redis-client.ts";
import { entriesOf, memorystorePlace, places, sharedRedis } from "./places.ts";
import { ask, data, secret, serve, sidOf, signed, signIn } from "./support.ts";

describe.each(places)("with sessions on $place", ({ open }) => {
  const bad: [string, (cookie: string) => string][] = [
    ["unsigned", (cookie) => encodeURIComponent(decodeURIComponent(cookie).slice(2).split(".")[0] as string)],
    ["with s: and no signature", (cookie) => cookie.split(".")[0] as string],
    ["truncated by one", (cookie) => cookie.slice(0, -1)],
    ["truncated in the id", (cookie) => cookie.replace(/^s%3A./, "s%3A")],
    [
      "forged with another secret",
      (cookie) => signed(decodeURIComponent(cookie).slice(2).split(".")[0] as string, "guess"),
    ],
    ["of another id with this signature", (cookie) => cookie.replace(/^s%3A[^.]+/, "s%3Aanother")],
    ["with an empty id, well signed", () => signed("")],
    ["empty", () => ""],
    ["of broken percent signs", () => "s%3A%E0%A4%A.%"],
    ["of 3,000 dots", () => `s:${".".repeat(3000)}`],
    ["with the name of a prototype's member", () => "s%3A__proto__.constructor"],
  ];

  test.each(bad)("a cookie that is %s opens no session, and costs no read", async (_what, spoil) => {
    const place = await open();
    const served = await serve({ place });
    const browser = await signIn(served);
    const good = browser.cookies.get("connect.sid") as string;
    let reads = 0;
    place.aroundReads((read) => {
      reads++;
      return read();
    });
    browser.cookies.set("connect.sid", spoil(good));
    const ws = await browser.webSocket("/ws");
    expect(await ask(ws, "get")).toEqual({});
    expect(reads).toBe(0);
    expect(await ask(ws, "save")).toEqual({ error: "ERR_SESSION_NOT_CARRIED" });
    browser.cookies.set("connect.sid", good);
    expect(await ask(await browser.webSocket("/ws"), "get")).toEqual({ name: "Ada" });
    expect(served.errors).toEqual([]);
  });

  test("a valid cookie of a session that is not stored gives a fresh session with another id", async () => {
    const place = await open();
    const served = await serve({ place });
    const browser = served.browser();
    browser.cookies.set("connect.sid", signed("never-stored"));
    expect(await ask(await browser.webSocket("/ws"), "get")).toEqual({});
    expect(served.opened[0]?.req.sessionID).not.toBe("never-stored");
  });

  test("a cookie signed with a rotated secret is accepted, and one signed with a dropped secret is not", async () => {
    const place = await open();
    const old = await serve({ place, session: { secret: "old" } });
    const browser = await signIn(old);
    const rotated = await serve({ place, session: { secret: ["new", "old"] } });
    const dropped = await serve({ place, session: { secret: ["new"] } });
    const cookie = `connect.sid=${browser.cookies.get("connect.sid")}`;
    const at = (served: typeof old) => served.browser().webSocket("/ws", { headers: { cookie } });
    expect(await ask(await at(rotated), "get")).toEqual({ name: "Ada" });
    expect(await ask(await at(dropped), "get")).toEqual({});
  });

  test("the secret of cookieMiddleware is used when the session has none", async () => {
    const place = await open();
    const stack = sessionMiddlewareStack(cookieMiddleware({ secret }), sessionMiddleware(place.options));
    const served = await serve({ place });
    served.server.removeAllListeners("upgrade");
    const sessions = webSocketSessions(stack).on("connection", (ws, req) => ws.send(String(data(req).name)));
    served.server.on("upgrade", sessions.handleUpgrade);
    const ws = await (await signIn(served)).webSocket("/ws");
    expect(await nextMessage(ws)).toBe("Ada");
  });
});

describe.each(["{", "", "null", "7", '"text"', "[]", '{"name":"Ada"}', '{"cookie":null}', "\0\xff binary"])(
  "a stored session that is %p",
  (bytes) => {
    test("in Redis gives a fresh session and an error event, and its bytes are unchanged", async () => {
      const client = await sharedRedis();
      const prefix = uniquePrefix("ws");
      const served = await serve({ session: { backend: redisBackend({ client, prefix }) } });
      const browser = await signIn(served);
      const key = `${prefix}sess:${sidOf(browser)}`;
      await client.set(key, bytes);
      const ws = await browser.webSocket("/ws");
      expect(await ask(ws, "get")).toEqual({});
      expect(await ask(ws, "save")).toEqual({ error: "ERR_SESSION_NOT_CARRIED" });
      expect(await client.get(key)).toBe(bytes);
      // An empty value in Redis counts as no session.
      expect(served.errors).toMatchObject(bytes === "" ? [] : [{ code: "ERR_SESSION_UNREADABLE" }]);
    });
  },
);

test("a session that becomes unreadable during a handshake refuses it with 500 and an error event", async () => {
  const client = await sharedRedis();
  const prefix = uniquePrefix("ws");
  let sid = "";
  const served = await serve({
    session: { backend: redisBackend({ client, prefix }) },
    webSocket: { path: "/ws", authorize: () => client.set(`${prefix}sess:${sid}`, "{") },
  });
  const browser = await signIn(served);
  sid = sidOf(browser);
  await expect(browser.webSocket("/ws")).rejects.toMatchObject({ statusCode: 500 });
  expect(served.errors).toMatchObject([{ code: "ERR_SESSION_UNREADABLE" }]);
  expect(await client.get(`${prefix}sess:${sid}`)).toBe("{");
});

test("a corrupt session in a store from npm gives a fresh session and an error event, and its bytes are unchanged", async () => {
  const place = memorystorePlace();
  const served = await serve({ place });
  const browser = await signIn(served);
  entriesOf(place.store).set(sidOf(browser), "{");
  expect(await ask(await browser.webSocket("/ws"), "get")).toEqual({});
  expect(served.errors).toMatchObject([{ code: "ERR_SESSION_UNREADABLE" }]);
});
