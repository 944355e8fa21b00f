import type { Express } from "express";
import { memoryPlace } from "./places.ts";
import { data, type Served, serve, sidOf, stored, versions } from "./support.ts";

const forwarded = {
  "X-Forwarded-Proto": "https",
  "X-Forwarded-For": "203.0.113.7",
  "X-Forwarded-Host": "app.example",
};
const hops: [unknown, string][] = [
  [1, "203.0.113.7"],
  [true, "203.0.113.7"],
  ["loopback", "203.0.113.7"],
  [false, "127.0.0.1"],
  ["10.0.0.0/8", "127.0.0.1"],
];

describe.each(versions)("behind a proxy, with the app's trust proxy, on $version", ({ createApp }) => {
  const proxied = (trust: unknown, options: Parameters<typeof serve>[0] = {}): Promise<Served> =>
    serve({
      ...options,
      createApp,
      webSocket: (app: Express) => {
        app.set("trust proxy", trust);
        return {
          path: "/ws",
          app,
          authorize: async (req) => {
            data(req).name = "Ada";
            await req.session.save();
            return true;
          },
        };
      },
    });

  test.each(hops)("%p: req.ip, req.secure and req.hostname are as in Express", async (trust, ip) => {
    const served = await proxied(trust);
    await served.browser().webSocket("/ws", { headers: forwarded, origin: null });
    const { req } = served.opened[0] as Served["opened"][0];
    const isTrusted = ip !== "127.0.0.1";
    expect(req.ip).toBe(ip);
    expect(req.secure).toBe(isTrusted);
    expect(req.protocol).toBe(isTrusted ? "https" : "http");
    expect(req.hostname).toBe(isTrusted ? "app.example" : "127.0.0.1");
    expect(req.get("X-Forwarded-Host")).toBe("app.example");
    expect(req.app.get("trust proxy")).toBe(trust);
    expect(req.res?.req).toBe(req);
  });

  test("a secure cookie is sent if the proxy is trusted and has TLS", async () => {
    const served = await proxied(1, { session: { cookie: { secure: true } } });
    const browser = served.browser();
    await browser.webSocket("/ws", { headers: forwarded, origin: null });
    expect(browser.cookies.has("connect.sid")).toBe(true);
  });

  test.each<[string, unknown, object]>([
    ["the proxy is not trusted", false, forwarded],
    ["the proxy has no TLS", 1, { ...forwarded, "X-Forwarded-Proto": "http" }],
  ])(
    "where %s, a session with a secure cookie is not stored, and the error has the reason",
    async (_, trust, headers) => {
      const place = memoryPlace();
      const served = await proxied(trust, { place, session: { cookie: { secure: true } } });
      const browser = served.browser();
      await expect(browser.webSocket("/ws", { headers: { ...headers }, origin: null })).rejects.toMatchObject(
        {
          statusCode: 500,
        },
      );
      expect(browser.cookies.size).toBe(0);
      expect(served.errors).toMatchObject([
        { code: "ERR_SESSION_NOT_CARRIED", message: expect.stringContaining("trust proxy") },
      ]);
      const all = await new Promise((resolve) => place.store.all?.((_error, sessions) => resolve(sessions)));
      expect(all).toEqual({});
    },
  );

  test("the session's option proxy overrides trust proxy", async () => {
    const served = await proxied(false, { session: { proxy: true, cookie: { secure: true } } });
    const browser = served.browser();
    await browser.webSocket("/ws", { headers: forwarded, origin: null });
    expect(browser.cookies.has("connect.sid")).toBe(true);
  });
});

test("without an app no proxy header is trusted", async () => {
  const place = memoryPlace();
  const served = await serve({
    place,
    webSocket: {
      path: "/ws",
      authorize: async (req) => {
        await req.session.save();
        return true;
      },
    },
  });
  const browser = served.browser();
  await browser.webSocket("/ws", { headers: forwarded });
  expect(served.opened[0]?.req).toMatchObject({ ip: "127.0.0.1", secure: false, protocol: "http" });
  expect((await stored(place.store, sidOf(browser)))?.cookie.secure).toBe(false);
});
