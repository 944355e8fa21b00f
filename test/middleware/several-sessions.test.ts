import { cookieMiddleware, sessionMiddleware, sessionMiddlewareStack } from "../../lib/index.ts";
import { browse, cookieAttributes, countUp, data, places, secret, sidOf, versions } from "./support.ts";

describe.each(versions)("in $version", ({ createApp }) => {
  describe.each(places)("on $place", ({ open }) => {
    test("two apps under two mount paths with different names and cookie paths share nothing", async () => {
      const [shop, admin] = await Promise.all([open(), open()]);
      const app = createApp();
      app.use(
        "/shop",
        sessionMiddleware({ secret, name: "shop.sid", cookie: { path: "/shop" }, ...shop.options }),
      );
      app.use(
        "/admin",
        sessionMiddleware({ secret, name: "admin.sid", cookie: { path: "/admin" }, ...admin.options }),
      );
      app.use((req, res) => void res.json(req.session ? countUp(req) : "none"));
      const browser = await browse(app);
      const first = await browser.get("/shop");
      expect(cookieAttributes(first, "shop.sid")).toContain("Path=/shop");
      expect(first.setCookies).toHaveLength(1);
      await browser.get("/shop/cart");
      const other = await browser.get("/admin");
      expect([other.body, other.setCookies.length]).toEqual(["1", 1]);
      expect((await browser.get("/shop")).body).toBe("3");
      expect((await browser.get("/")).body).toBe('"none"');
      expect(sidOf(browser, "shop.sid")).not.toBe(sidOf(browser, "admin.sid"));
    });

    test("of two middlewares on one request, the first provides the session", async () => {
      const [first, second] = await Promise.all([open(), open()]);
      const app = createApp();
      app.use(sessionMiddleware({ secret, name: "first.sid", ...first.options }));
      app.use(sessionMiddleware({ secret, name: "second.sid", ...second.options }));
      app.get("/", (req, res) => void res.json([countUp(req), req.sessionStore === first.store]));
      const browser = await browse(app);
      expect((await browser.get("/")).json()).toEqual([1, true]);
      expect((await browser.get("/")).json()).toEqual([2, true]);
      expect([...browser.cookies.keys()]).toEqual(["first.sid"]);
    });

    test("outside the cookie path of the first middleware, the second provides the session", async () => {
      const [inner, outer] = await Promise.all([open(), open()]);
      const app = createApp();
      app.use(sessionMiddleware({ secret, name: "inner", cookie: { path: "/inner" }, ...inner.options }));
      app.use(sessionMiddleware({ secret, name: "outer", ...outer.options }));
      app.use((req, res) => void res.json([countUp(req), req.sessionStore === inner.store]));
      const browser = await browse(app);
      expect((await browser.get("/inner")).json()).toEqual([1, true]);
      expect((await browser.get("/elsewhere")).json()).toEqual([1, false]);
      expect([...browser.cookies.keys()].sort()).toEqual(["inner", "outer"]);
    });

    test("two middlewares over one store see the same sessions", async () => {
      const { options } = await open();
      const app = createApp();
      app.use("/a", sessionMiddleware({ secret, ...options }));
      app.use("/b", sessionMiddleware({ secret, ...options }));
      app.use((req, res) => void res.json(countUp(req)));
      const browser = await browse(app);
      expect([(await browser.get("/a")).body, (await browser.get("/b")).body]).toEqual(["1", "2"]);
    });

    test("a router deep in the app can have the stack to itself", async () => {
      const { options } = await open();
      const sessionStack = sessionMiddlewareStack(
        cookieMiddleware(),
        sessionMiddleware({ secret, ...options }),
      );
      const app = createApp();
      const inner = createApp();
      inner.use(sessionStack());
      inner.get("/", (req, res) => void res.json([countUp(req), typeof req.cookies, req.baseUrl]));
      app.use("/one/two", inner);
      app.get("/", (req, res) => void res.json(typeof req.session));
      const browser = await browse(app);
      await browser.get("/one/two");
      expect((await browser.get("/one/two")).json()).toEqual([2, "object", "/one/two"]);
      expect((await browser.get("/")).body).toBe('"undefined"');
    });
  });
});

test("sessions of two middlewares with the same cookie name and different secrets are not mixed up", async () => {
  const app = versions[1]?.createApp() as ReturnType<(typeof versions)[0]["createApp"]>;
  app.use("/a", sessionMiddleware({ secret, name: "sid" }));
  app.use("/b", sessionMiddleware({ secret: "another secret", name: "sid" }));
  app.use((req, res) => {
    data(req).at = req.baseUrl;
    res.json(countUp(req));
  });
  const browser = await browse(app);
  expect([(await browser.get("/a")).body, (await browser.get("/b")).body]).toEqual(["1", "1"]);
});
