import { format } from "node:util";
import createDebug from "debug";
import type { Request } from "express";
import type { WebSocket } from "ws";
import {
  cookieMiddleware,
  type SessionMiddlewareOptions,
  sessionMiddleware,
  sessionMiddlewareStack,
  userSessions,
  webSocketSessions,
} from "../../lib/index.ts";
import { Browser } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { listen } from "../support/http-server.ts";
import { afterThisTest, countUp, places, secret, sidOf, versions } from "./support.ts";

let lines: string[] = [];

beforeEach(() => {
  lines = [];
  createDebug.enable("express-session-stack:session");
  createDebug.log = (_format, method, path, happened) => void lines.push(`${method} ${path}: ${happened}`);
});

afterEach(() => createDebug.disable());

/** The log lines since the last call. */
function said(): string[] {
  return lines.splice(0);
}

// Once, it logged "saves" before the save, even for sessions that were not saved, and nothing of the app's own calls.
describe.each(versions)("the DEBUG log in $version", ({ createApp }) => {
  describe.each(places)("on $place", ({ open }) => {
    async function visit(options: SessionMiddlewareOptions = {}) {
      const stack = sessionMiddlewareStack(
        cookieMiddleware(),
        sessionMiddleware({ secret, touchAfterMs: 0, ...options, ...(await open()).options }),
      ).on("error", () => {});
      const { logIn, logOut, deleteUserSessions } = userSessions(stack);
      const app = createApp();
      const requests = createApp();
      app.use("/app", stack(), requests);
      requests.get("/count", (req: Request, res) => void res.json(countUp(req)));
      requests.get("/read", (_req, res) => void res.json("read"));
      requests.get("/failed", (req, res) => void res.status(500).json(countUp(req)));
      requests.get("/late", (req, res) => {
        res.write("head");
        res.end(String(countUp(req)));
      });
      requests.get("/delete", (_req, res, next) => {
        deleteUserSessions("ada").then(() => res.json("deleted"), next);
      });
      requests.get("/over", (req, res) => {
        req.session.cookie.maxAge = 0;
        res.json("over");
      });
      requests.get("/save", (req, res, next) => {
        countUp(req);
        req.session.save().then(() => res.json("saved"), next);
      });
      requests.get("/ended", (req, res) => {
        countUp(req);
        req.sessionStore.destroy(req.sessionID, () => res.json("ended"));
      });
      requests.get("/in", (req, res, next) => void logIn(req, "ada").then(() => res.json("in"), next));
      requests.get("/out", (req, res, next) => void logOut(req).then(() => res.json("out"), next));
      const ws = webSocketSessions(stack, { path: "/ws", app }).on("connection", (line: WebSocket, req) => {
        line.on("message", (message) => {
          const done = {
            count: async () => void countUp(req),
            save: () => req.session.save(),
            destroy: () => req.session.destroy(),
          };
          void done[String(message) as keyof typeof done]().then(
            () => line.send("done"),
            () => {},
          );
        });
      });
      const { url, close, server } = await listen(app as never);
      server.on("upgrade", ws.handleUpgrade);
      afterThisTest(close);
      const browser = new Browser(url);
      afterThisTest(() => browser.close());
      return browser;
    }

    test("tells what happened to the session of a request", async () => {
      const browser = await visit();
      const saidAfter = async (path: string) => {
        await browser.get(path);
        return said();
      };
      expect(await saidAfter("/app/read")).toEqual([]);
      expect(await saidAfter("/app/count?token=hidden")).toEqual(["GET /app/count: saved"]);
      expect(await saidAfter("/app/read?token=hidden")).toEqual(["GET /app/read: touched"]);
      expect(await saidAfter("/app/save")).toEqual(["GET /app/save: saved", "GET /app/save: touched"]);
      expect(await saidAfter("/app/failed")).toEqual([
        "GET /app/failed: not saved: saveUnless leaves this response out",
      ]);
      expect(await saidAfter("/app/in")).toEqual([
        "GET /app/in: regenerated",
        "GET /app/in: logged in",
        "GET /app/in: saved",
      ]);
      expect(await saidAfter("/app/out")).toEqual(["GET /app/out: logged out", "GET /app/out: destroyed"]);
      await saidAfter("/app/count");
      expect(await saidAfter("/app/over")).toEqual(["GET /app/over: expired"]);
      await saidAfter("/app/count");
      expect(await saidAfter("/app/ended")).toEqual(["GET /app/ended: not saved: ERR_SESSION_DELETED"]);
    });

    test("tells why a new session was not saved", async () => {
      const browser = await visit({ cookie: { secure: true } });
      for (const path of ["/app/count", "/app/count", "/app/late", "/app/save"])
        await browser.get(path).catch(() => {});
      const [insecure, late] = ["insecure", "head sent"].map(
        (why) => `not saved: a new session without a cookie, ${why}`,
      );
      expect(said()).toEqual([
        `GET /app/count: ${insecure}`,
        `GET /app/count: ${insecure}`,
        `GET /app/late: ${late}`,
        `GET /app/save: ${insecure}`,
        "GET /app/save: not saved: saveUnless leaves this response out",
      ]);
    });

    test("tells that a session was not found, and how many sessions of a user were deleted", async () => {
      const browser = await visit();
      await browser.get("/app/in");
      said();
      lines = [];
      createDebug.log = (...printed: unknown[]) => void lines.push(format(...printed));
      await browser.get("/app/delete");
      expect(said()[0]).toContain("sessions of a user: 1 deleted");
      await browser.get("/app/read");
      expect(said()).toEqual([
        expect.stringContaining("GET /app/read: not found: it has ended, or has expired"),
      ]);
    });

    test("tells what happened to the session of a connection, without its id", async () => {
      const browser = await visit();
      await browser.get("/app/count");
      const sid = sidOf(browser);
      const all = said();
      const ws = await browser.webSocket("/ws?token=hidden");
      for (const command of ["count", "save", "destroy"]) ws.send(command);
      await eventually(() => {
        all.push(...said());
        expect(all).toEqual(["GET /app/count: saved", "GET /ws: saved", "GET /ws: destroyed"]);
      });
      expect(all.join()).not.toContain(sid);
    });
  });
});
