import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Request, Response } from "express";
import {
  cookieMiddleware,
  type SessionMiddlewareOptions,
  sessionMiddleware,
  sessionMiddlewareStack,
} from "../../lib/index.ts";
import { listen } from "../support/http-server.ts";
import { afterThisTest, browse, countUp, places, signed, versions } from "./support.ts";

const secret = "a secret of these tests, at least 32 bytes long";
const failure = new Error("the app's own");

/** Failures before the handler is called. */
const failing: Record<string, { options: SessionMiddlewareOptions; message: RegExp }> = {
  "a secret that is missing": { options: {}, message: /"secret" is required/ },
  "a genid that throws": {
    options: {
      secret,
      genid: () => {
        throw failure;
      },
    },
    message: /the app's own/,
  },
  "a cookie function that throws": {
    options: {
      secret,
      cookie: () => {
        throw failure;
      },
    },
    message: /the app's own/,
  },
  "a cookie function that answers with what is no cookie": {
    options: { secret, cookie: () => ({ maxAge: "soon" }) as never },
    message: /maxAge/,
  },
};

// Once, these errors were thrown, which ends the process of a server without Express.
describe.each(Object.entries(failing))("%s", (_what, { options, message }) => {
  describe.each(places)("on $place", ({ open }) => {
    test("is passed to next once on a plain http server, with and without a cookie", async () => {
      const place = await open();
      for (const wrapped of [false, true]) {
        const session = sessionMiddleware({ ...options, ...place.options });
        const middleware = wrapped ? sessionMiddlewareStack(cookieMiddleware(), session)() : session;
        const calls: unknown[] = [];
        const server = createServer((req: IncomingMessage, res: ServerResponse) => {
          middleware(req as Request, res as Response, (error?: unknown) => {
            calls.push(error);
            res.statusCode = error ? 500 : 200;
            res.end();
          });
        });
        const { url, close } = await listen(server);
        afterThisTest(close);
        const cookie = `connect.sid=${signed("an-id-that-is-not-stored")}`;
        expect((await fetch(url)).status).toBe(500);
        expect((await fetch(url, { headers: { cookie } })).status).toBe(500);
        expect(calls.map(String)).toEqual([expect.stringMatching(message), expect.stringMatching(message)]);
      }
    });
  });

  test.each(versions)("is an error of the request in $version", async ({ createApp }) => {
    const app = createApp();
    app.use(sessionMiddleware(options));
    const browser = await browse(app);
    jest.spyOn(console, "error").mockImplementation(() => {});
    try {
      expect((await browser.get("/")).status).toBe(500);
    } finally {
      jest.restoreAllMocks();
    }
  });
});

test("an error that the handler throws is not passed to next again", async () => {
  const calls: unknown[] = [];
  const req = { headers: {}, url: "/", socket: {} } as Request;
  const handler = (error?: unknown) => {
    calls.push(error);
    throw failure;
  };
  const res = { writeHead() {}, end() {} } as unknown as Response;
  expect(() => sessionMiddleware({ secret })(req, res, handler)).toThrow(failure);
  expect(calls).toEqual([undefined]);
});

test("a session works on a plain http server without Express", async () => {
  const middleware = sessionMiddleware({ secret });
  const browser = await browse((req, res) => {
    middleware(req as Request, res as Response, () => res.end(String(countUp(req as Request))));
  });
  expect([(await browser.get("/")).body, (await browser.get("/")).body]).toEqual(["1", "2"]);
});
