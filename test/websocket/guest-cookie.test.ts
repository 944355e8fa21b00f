import express, { type RequestHandler } from "express";
import type { SessionMiddlewareOptions } from "../../lib/middleware/session-options.ts";
import { redisBackend } from "../../lib/redis.ts";
import { closed } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { rawRequest } from "../support/raw-socket.ts";
import { connectRedis, uniquePrefix } from "../support/redis-client.ts";
import { memoryPlace, sharedRedis } from "./places.ts";
import { type Answer, answerIn, cookieNames, cookieOf, handshake } from "./raw-handshake.ts";
import { afterThisTest, data, type Served, type ServeOptions, serve, signIn, versions } from "./support.ts";

const NAME = /^connect\.sid\.guest\.[\w-]{22}$/;

const answerTo = async (
  { port }: Served,
  headers: Record<string, string | undefined> = {},
): Promise<Answer> => answerIn(await rawRequest(port, handshake("/ws", headers), { until: "\r\n\r\n" }));

/** A middleware that sets the user's field if the request asks for it. */
const logInByHeader: RequestHandler = (req, _res, next) => {
  if (req.headers["x-user"]) data(req).user = req.headers["x-user"];
  next();
};

const serveUsers = (session: SessionMiddlewareOptions = {}, options: ServeOptions = {}) =>
  serve({
    ...options,
    session: { userId: (found) => (found as { user?: string }).user, ...session },
    behindSession: [logInByHeader],
  });

describe("the cookie of a guest", () => {
  test.each<[string, SessionMiddlewareOptions["cookie"], string]>([
    ["by default", undefined, "Path=/; HttpOnly; SameSite=Lax"],
    ["of a session with an age", { maxAge: 60_000, httpOnly: false }, "Path=/; HttpOnly; SameSite=Lax"],
    [
      "with all there is",
      { domain: "app.example", path: "/w", sameSite: "strict" },
      "Domain=app.example; Path=/w; HttpOnly; SameSite=Strict",
    ],
    ["by a function", () => ({ sameSite: "auto" }), "Path=/; HttpOnly; SameSite=Lax"],
  ])("has the attributes of the session cookie without its age: %s", async (_, cookie, attributes) => {
    const { headers } = await answerTo(await serveUsers({ ...(cookie && { cookie }) }));
    expect(headers["set-cookie"]).toMatch(/^connect\.sid\.guest\.[\w-]{22}=1; /);
    expect(headers["set-cookie"]?.split("; ").slice(1).join("; ")).toBe(attributes);
  });

  test("is secure and partitioned behind a trusted proxy if the session cookie is", async () => {
    const served = await serveUsers(
      { cookie: { secure: "auto", sameSite: "auto", partitioned: true } },
      { webSocket: (app) => ({ path: "/ws", app: app.set("trust proxy", true) }) },
    );
    const { headers } = await answerTo(served, { "X-Forwarded-Proto": "https" });
    expect(headers["set-cookie"]).toMatch(/=1; Path=\/; HttpOnly; Secure; Partitioned; SameSite=None$/);
  });

  test("is not set where the session cookie could not be set: without TLS", async () => {
    const served = await serveUsers({ cookie: { secure: true } });
    expect(cookieNames(await answerTo(served))).toEqual([]);
  });

  test("is not set for a stored session, for a client that has one, or on a refusal", async () => {
    let isAllowed = true;
    const served = await serveUsers({}, { webSocket: { path: "/ws", authorize: () => isAllowed } });
    expect(cookieNames(await answerTo(served, cookieOf(await signIn(served))))).toEqual([]);
    const browser = served.browser();
    await browser.webSocket("/ws");
    expect([...browser.cookies.keys()]).toEqual([expect.stringMatching(NAME)]);
    expect(cookieNames(await answerTo(served, cookieOf(browser)))).toEqual([]);
    isAllowed = false;
    const refused = await answerTo(served);
    expect([refused.status, cookieNames(refused)]).toEqual([403, []]);
  });

  test.each([
    "connect.sid.guest.=1",
    "connect.sid.guest.short=1",
    `connect.sid.guest.${"a".repeat(23)}=1`,
    "connect.sid.guest.%3C%3E%3C%3E%3C%3E%3C%3E%3C%3E%3C%3E%3C%3E%=1",
    `other.guest.${"a".repeat(22)}=1`,
  ])("is ignored if it is invalid: %s", async (cookie) => {
    const served = await serveUsers();
    const [name, ...more] = cookieNames(await answerTo(served, { Cookie: cookie }));
    expect([name, more]).toEqual([expect.stringMatching(NAME), []]);
    expect(cookie).not.toContain(name);
  });

  test("is different each time", async () => {
    const served = await serveUsers();
    const names = await Promise.all([1, 2, 3].map(async () => cookieNames(await answerTo(served))[0]));
    expect(new Set(names).size).toBe(3);
  });

  test("is named after its session middleware, and guests of another one stay", async () => {
    const place = memoryPlace();
    const [one, other] = [
      await serveUsers({ name: "one" }, { place }),
      await serveUsers({ name: "other" }, { place }),
    ];
    const browser = one.browser();
    const ofOne = await browser.webSocket("/ws");
    const ofOther = await browser.webSocket(`${other.url}/ws`);
    expect([...browser.cookies.keys()]).toEqual([
      expect.stringMatching(/^one\.guest\./),
      expect.stringMatching(/^other\.guest\./),
    ]);
    await browser.get("/session", { headers: { "X-User": "ada", cookie: cookieOf(browser).Cookie } });
    expect(await closed(ofOne)).toEqual({ code: 4009, reason: "session_replaced" });
    expect(ofOther.readyState).toBe(ofOther.OPEN);
    expect([...browser.cookies.keys()]).toEqual([expect.stringMatching(/^other\.guest\./), "one"]);
  });

  test("that cannot be written emits an error event, and the handshake is answered without it", async () => {
    const served = await serveUsers({ cookie: () => ({ domain: "no domain;" }) });
    const answer = await answerTo(served);
    expect([answer.status, cookieNames(answer)]).toEqual([101, []]);
    expect(served.errors).toHaveLength(1);
  });
});

describe.each(versions)("on $version, the login's response", ({ createApp }) => {
  let served: Served;

  beforeEach(async () => {
    served = await serveUsers(
      { cookie: { domain: "127.0.0.1", path: "/" } },
      {
        createApp,
        routes: (app) => {
          app.use(express.json());
          app.get("/streamed", async (_req, res) => {
            res.write("first");
            await new Promise(setImmediate);
            res.end("last");
          });
          app.get("/failed", (_req, res) => void res.status(500).end());
        },
      },
    );
  });

  test("expires it with the attributes with which it was set", async () => {
    const browser = served.browser();
    const ws = await browser.webSocket("/ws");
    const { setCookies } = await browser.get("/session", { headers: { "X-User": "ada" } });
    expect(setCookies).toEqual([
      expect.stringMatching(/^connect\.sid=s%3A/),
      expect.stringMatching(
        /^connect\.sid\.guest\.[\w-]{22}=1; Domain=127\.0\.0\.1; Path=\/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax$/,
      ),
    ]);
    expect((await closed(ws)).code).toBe(4009);
    expect((await browser.get("/session")).setCookies).toEqual([]);
  });

  test("leaves that to the next response if its head was already sent; the connection comes back at once", async () => {
    const browser = await signIn(served, {});
    await browser.post("/session", { json: { cart: 1 } });
    const guest = served.browser();
    const ws = await guest.webSocket("/ws");
    for (const [name, value] of browser.cookies) guest.cookies.set(name, value);
    expect((await guest.get("/streamed", { headers: { "X-User": "ada" } })).setCookies).toEqual([]);
    expect((await closed(ws)).code).toBe(4009);
    expect((await guest.get("/session")).setCookies).toHaveLength(1);
    expect([...guest.cookies.keys()]).toEqual(["connect.sid"]);
  });

  test("changes nothing if it saves nothing", async () => {
    const browser = served.browser();
    const ws = await browser.webSocket("/ws");
    expect((await browser.get("/failed", { headers: { "X-User": "ada" } })).setCookies).toEqual([]);
    await browser.get("/session");
    expect(ws.readyState).toBe(ws.OPEN);
  });
});

test("the handshakes and requests of a guest send no Redis commands", async () => {
  const client = await sharedRedis();
  const prefix = uniquePrefix("guests");
  const backend = redisBackend({ client, prefix });
  const served = await serveUsers({ backend });
  await backend.node.join();
  const monitor = await connectRedis();
  afterThisTest(() => monitor.destroy());
  const lines: string[] = [];
  await monitor.monitor((line) => void lines.push(String(line)));
  const browser = served.browser();
  for (let times = 0; times < 2; times++) await browser.webSocket("/ws");
  await browser.get("/session");
  await client.get(`${prefix}marker`);
  await eventually(() => expect(lines.join()).toContain(`${prefix}marker`));
  const ours = lines.filter(
    (line) => line.includes(prefix) && !line.includes(`${prefix}session-stack:nodes`),
  );
  expect(ours).toEqual([expect.stringContaining(`${prefix}marker`)]);
});
