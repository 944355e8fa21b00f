import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import type { Express, Request, Response } from "express";
import { sessionMiddleware } from "../../lib/index.ts";
import type { Browser } from "../support/browser.ts";
import { afterThisTest, browse, countUp, data, places, secret, sidOf, stored, versions } from "./support.ts";

/** Ends the session during a request, as another request or node would. */
type EndSession = (req: Request) => Promise<void>;

/** A client with one kept-alive connection. Its socket shows whether the server kept it. */
function oneConnection(browser: Browser) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  afterThisTest(() => agent.destroy());
  return async function get(path: string) {
    const request = httpRequest(browser.baseUrl + path, {
      agent,
      headers: { cookie: `connect.sid=${browser.cookies.get("connect.sid")}` },
    });
    request.end();
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request.once("response", resolve).once("error", reject);
    });
    const { statusCode: status, headers } = response;
    return { status, headers, body: await text(response), port: request.socket?.localPort };
  };
}

const answers: Record<string, (req: Request, res: Response, end: EndSession) => Promise<unknown>> = {
  "a changed session": async (req, res, end) => {
    await end(req);
    countUp(req);
    res.json({ whole: "x".repeat(1_000) });
  },
  "a session that is only read": async (req, res, end) => {
    await end(req);
    res.json({ whole: "x".repeat(1_000), count: data(req).count });
  },
  "a body in chunks": async (req, res, end) => {
    res.write('{"whole":');
    await end(req);
    countUp(req);
    res.write(`"${"x".repeat(1_000)}"`);
    res.end("}");
  },
  "a Content-Length and a piece sent before": async (req, res, end) => {
    res.setHeader("Content-Length", 1_012);
    res.write('{"whole":"');
    await end(req);
    countUp(req);
    res.end(`${"x".repeat(1_000)}"}`);
  },
  "a redirect": async (req, res, end) => {
    await end(req);
    countUp(req);
    res.redirect(303, "/login");
  },
};

describe.each(versions)("in $version", ({ createApp }) => {
  describe.each(places)("on $place", ({ open }) => {
    async function appWithSession(routes: (app: Express, end: EndSession) => void) {
      const { options, store } = await open();
      const app = createApp();
      app.use(sessionMiddleware({ secret, rolling: true, touchAfterMs: 0, ...options }));
      app.get("/login", (req, res) => void res.json(countUp(req)));
      const end: EndSession = (req) =>
        new Promise((resolve, reject) => {
          store.destroy(req.sessionID, (error) => (error ? reject(error) : resolve()));
        });
      routes(app, end);
      const browser = await browse(app);
      await browser.get("/login");
      return { browser, held: () => stored(store, sidOf(browser)), get: oneConnection(browser) };
    }

    test.each(Object.keys(answers))(
      "delivers the response whole and keeps the connection: %s",
      async (kind) => {
        const { get, held } = await appWithSession((app, end) => {
          app.get("/", (req, res, next) => {
            answers[kind]?.(req, res, end).catch(next);
          });
        });
        const first = await get("/");
        if (kind === "a redirect") expect([first.status, first.headers.location]).toEqual([303, "/login"]);
        else
          expect([first.status, JSON.parse(first.body)]).toMatchObject([200, { whole: "x".repeat(1_000) }]);
        expect(await held()).toBeUndefined();
        const second = await get("/login");
        expect([second.status, second.body]).toEqual([200, "1"]);
        expect(second.port).toBe(first.port);
      },
    );

    test("sends no cookie for a session that ended while the request ran", async () => {
      const { browser } = await appWithSession((app, end) => {
        app.get("/", async (req, res) => {
          await end(req);
          countUp(req);
          res.end();
        });
      });
      expect((await browser.get("/")).setCookies).toEqual([]);
    });

    test("an explicit save, reload or touch does not bring an ended session back", async () => {
      const { browser, held } = await appWithSession((app, end) => {
        app.get("/", async (req, res) => {
          await end(req);
          const codes: unknown[] = [];
          countUp(req);
          await req.session.save().catch((error) => codes.push(error.code));
          await new Promise<void>((resolve) => {
            req.session.save((error) => {
              codes.push(error?.code);
              resolve();
            });
          });
          await req.session.reload().catch((error) => codes.push(error.code));
          req.session.touch();
          res.json(codes);
        });
      });
      expect((await browser.get("/")).json()).toEqual(Array(3).fill("ERR_SESSION_DELETED"));
      expect(await held()).toBeUndefined();
    });
  });
});
