import type { Express, Request } from "express";
import {
  cookieMiddleware,
  sessionMiddleware,
  sessionMiddlewareStack,
  userSessions,
} from "../../lib/index.ts";
import { Browser } from "../support/browser.ts";
import { listen } from "../support/http-server.ts";
import { gate, places } from "../users/support.ts";
import { afterThisTest, data, secret, versions } from "./support.ts";

const minute = 60_000;

/** The work of a slow request before and after its wait. */
const SLOW: [
  how: string,
  options: object,
  before: (req: Request) => unknown,
  after: (req: Request) => unknown,
][] = [
  ["only reads, with rolling", { rolling: true, cookie: { maxAge: minute } }, () => {}, () => {}],
  ["only reads, with rolling and a cookie without an age", { rolling: true }, () => {}, () => {}],
  ["has saved early", { cookie: { maxAge: minute } }, change, () => {}],
  [
    "has saved another age early",
    {},
    (req) => {
      req.session.cookie.maxAge = 2 * minute;
      return req.session.save();
    },
    () => {},
  ],
  ["regenerates late", { cookie: { maxAge: minute } }, () => {}, (req) => req.session.regenerate()],
  [
    "regenerates late and stores something",
    {},
    () => {},
    async (req) => {
      await req.session.regenerate();
      data(req).cart = ["tea"];
    },
  ],
];

function change(req: Request): Promise<void> {
  data(req).visits = 1;
  return req.session.save() as unknown as Promise<void>;
}

// Once, the cookie of the old session was sent last and replaced the login's cookie, so the user was logged out.
describe.each(versions)("in $version", ({ createApp }) => {
  describe.each(places)("on $place, a slow request that a login overtakes", ({ open }) => {
    async function serveTwo(options: object, routes: (app: Express) => void): Promise<[string, string]> {
      const backend = await open();
      const nodes = [0, 1].map(async () => {
        const stack = sessionMiddlewareStack(
          cookieMiddleware(),
          sessionMiddleware({ secret, backend, saveUninitialized: true, ...options }),
        );
        const { logIn } = userSessions(stack);
        const app = createApp();
        app.use(stack());
        app.get("/me", (req, res) => void res.json({ user: req.session.login?.userId }));
        app.get("/guest", (req, res) => {
          data(req).cart = [];
          res.json("guest");
        });
        app.get("/login/:user", (req, res, next) => {
          logIn(req, req.params.user as string).then(() => res.json("in"), next);
        });
        routes(app);
        const { url, close } = await listen(app);
        afterThisTest(close);
        return url;
      });
      return Promise.all(nodes) as Promise<[string, string]>;
    }

    const starts = ["/login/ada", "/guest"];
    test.each(SLOW.flatMap((slow) => starts.map((first) => [first, ...slow] as const)))(
      "from %s on, and %s, leaves the login's cookie to the client",
      async (first, _how, options, before, after) => {
        let [arrived, waiting] = [gate(), gate()];
        const urls = await serveTwo(options, (app) => {
          app.get("/slow", async (req, res, next) => {
            try {
              await before(req);
              arrived.open();
              await waiting.opened;
              await after(req);
              res.json("slow");
            } catch (error) {
              next(error);
            }
          });
        });
        for (const url of urls) {
          const browser = new Browser(urls[0]);
          afterThisTest(() => browser.close());
          await browser.get(first);
          const other = new Browser(url);
          afterThisTest(() => other.close());
          for (const [name, value] of browser.cookies) other.cookies.set(name, value);
          [arrived, waiting] = [gate(), gate()];
          const slow = other.get("/slow");
          await arrived.opened;
          await browser.get("/login/ada");
          waiting.open();
          const { setCookies } = await slow;
          expect(setCookies).toEqual([]);
          expect((await browser.get("/me")).json()).toEqual({ user: "ada" });
        }
      },
    );
  });
});
