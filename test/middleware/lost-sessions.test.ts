import type { Express, Request } from "express";
import { type SessionMiddlewareOptions, type SessionStackError, sessionMiddleware } from "../../lib/index.ts";
import { serveOverTls } from "./over-tls.ts";
import { browse, countUp, places, secret, versions } from "./support.ts";

interface Lost {
  error: SessionStackError;
  path: string;
}

function build(app: Express, options: SessionMiddlewareOptions) {
  const errors: Lost[] = [];
  const middleware = sessionMiddleware({ secret, ...options }).on("error", (error, req: Request) => {
    errors.push({ error: error as SessionStackError, path: req.path });
  });
  app.use(middleware);
  app.get("/", (req, res) => void res.json(countUp(req)));
  app.get("/empty", (_req, res) => void res.json("nothing"));
  app.get("/unheard", (req, res) => {
    countUp(req);
    // Nobody waits for the save, so nobody would notice its failure.
    void req.session.save();
    res.json("unheard");
  });
  app.get("/late", (req, res) => {
    res.write("head");
    countUp(req);
    res.end();
  });
  app.get("/failed", (req, res) => {
    countUp(req);
    res.status(500).end();
  });
  return errors;
}

describe.each(versions)("in $version", ({ createApp }) => {
  // Once, a session was silently not saved, and DEBUG logged "saves".
  describe.each(places)("a session whose cookie cannot be sent, on $place", ({ open }) => {
    async function visit(options: SessionMiddlewareOptions) {
      const app = createApp();
      const errors = build(app, { ...options, ...(await open()).options });
      return { app, browser: await browse(app), errors };
    }

    test("causes one error event for a secure cookie without TLS, however many requests come", async () => {
      const { browser, errors } = await visit({ cookie: { secure: true }, saveUninitialized: true });
      await browser.get("/empty");
      expect(errors).toEqual([]);
      for (let n = 0; n < 5; n++) expect((await browser.get("/")).body).toBe("1");
      await browser.get("/unheard");
      expect(errors).toMatchObject([{ path: "/", error: { code: "ERR_SESSION_NOT_CARRIED" } }]);
      const { message } = (errors[0] as Lost).error;
      for (const remedy of ["TLS", 'app.set("trust proxy"', "proxy: true", 'secure: "auto"'])
        expect(message).toContain(remedy);
    });

    test("causes one error event for each cause", async () => {
      const { browser, errors } = await visit({ cookie: { secure: true } });
      for (const path of ["/late", "/", "/late", "/", "/unheard"]) await browser.get(path);
      expect(errors.map(({ path }) => path)).toEqual(["/late", "/"]);
      expect(errors[0]?.error.message).toContain("before the response's head");
    });

    test("causes none if the app handles the failed save, saves nothing, or has the cookie sent", async () => {
      const { app, browser, errors } = await visit({ cookie: { secure: true } });
      await browser.get("/failed");
      await (await serveOverTls(app))("/");
      expect(errors).toEqual([]);
    });

    test("causes none behind a trusted proxy", async () => {
      const { browser, errors } = await visit({ cookie: { secure: true }, proxy: true });
      const headers = { "x-forwarded-proto": "https" };
      await browser.get("/", { headers });
      expect((await browser.get("/", { headers })).body).toBe("2");
      expect(errors).toEqual([]);
    });

    test("causes an event of each middleware", async () => {
      for (let n = 0; n < 2; n++) {
        const { browser, errors } = await visit({ cookie: { secure: true } });
        await browser.get("/");
        expect(errors).toHaveLength(1);
      }
    });
  });

  test("is a warning of the process without a listener, and the response is sent", async () => {
    const app = createApp();
    app.use(sessionMiddleware({ secret, cookie: { secure: true } }));
    app.get("/", (req, res) => void res.json(countUp(req)));
    const browser = await browse(app);
    // Node does so with an error of another realm, such as the realm of a test runner.
    const emitted = jest.spyOn(process, "emitWarning").mockImplementation((warning) => {
      if (typeof warning !== "string") throw new TypeError("The argument must be an instance of Error");
    });
    try {
      expect((await browser.get("/")).status).toBe(200);
      expect(emitted).toHaveBeenLastCalledWith(expect.stringContaining("A new session was not stored"), {
        type: "SessionStackError",
      });
    } finally {
      emitted.mockRestore();
    }
  });
});
