import { createServer } from "node:http";
import express from "express";
import {
  cookieMiddleware,
  sessionMiddleware,
  sessionMiddlewareStack,
  webSocketSessions,
} from "../../lib/index.ts";
import { Browser, UpgradeRefusedError } from "../support/browser.ts";
import { listen } from "../support/http-server.ts";
import { timeoutMs } from "../support/patience.ts";
import { places } from "./places.ts";
import { afterThisTest, answerCommands, ask, data } from "./support.ts";

const old = "an old secret of these tests, at least 32 bytes";
const next = "the next secret of these tests, 32 bytes and more";

// Once, a handshake was accepted with a removed secret, or refused with a current one.
describe.each(places)("secrets of handshakes, with sessions on $place", ({ open }) => {
  describe.each(["sessionMiddleware", "cookieMiddleware"])("given to %s", (whose) => {
    async function serveWith(secrets: string[]) {
      const { options } = await open();
      const given = { secret: secrets };
      const stack = sessionMiddlewareStack(
        cookieMiddleware(whose === "cookieMiddleware" ? given : {}),
        sessionMiddleware({ timeoutMs, ...options, ...(whose === "sessionMiddleware" ? given : {}) }),
      );
      const errors: Error[] = [];
      const app = express();
      app.use(stack());
      app.get("/", (req, res) => void res.json(Object.assign(data(req), { name: "Ada" })));
      const wsSessions = webSocketSessions(stack, { path: "/ws", app })
        .on("error", (error) => errors.push(error))
        .on("connection", answerCommands);
      const server = createServer(app).on("upgrade", wsSessions.handleUpgrade);
      const { url, close } = await listen(server);
      afterThisTest(close);
      const browser = new Browser(url);
      afterThisTest(() => browser.close());
      return { browser, errors };
    }

    test("each secret is accepted, and a removed one is not", async () => {
      const secrets = [old];
      const { browser } = await serveWith(secrets);
      await browser.get("/");
      secrets.unshift(next);
      expect(await ask(await browser.webSocket("/ws"), "get")).toEqual({ name: "Ada" });
      secrets.pop();
      expect(await ask(await browser.webSocket("/ws"), "get")).toEqual({});
    });

    test("a handshake without any secret is refused with 500, with an error event", async () => {
      const secrets = [old];
      const { browser, errors } = await serveWith(secrets);
      await browser.get("/");
      secrets.pop();
      const refused = await browser.webSocket("/ws").catch((error) => error);
      expect(refused).toBeInstanceOf(UpgradeRefusedError);
      expect(refused).toMatchObject({ statusCode: 500 });
      expect(errors.map(String)).toEqual([expect.stringMatching(/^TypeError: .*option "secret"/)]);
    });
  });
});
