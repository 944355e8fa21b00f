import { AsyncLocalStorage } from "node:async_hooks";
import type { RequestHandler } from "express";
import type { WebSocket } from "ws";
import { realtime, webSocketSessions } from "../../lib/index.ts";
import { closed, nextMessage } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { redisPlace } from "./places.ts";
import { afterThisTest, type ServeOptions, serve, versions } from "./support.ts";

const storage = new AsyncLocalStorage<string>();
const current = () => storage.getStore();

/** Enters the value of the query. */
const byRun: RequestHandler = (req, _res, next) => storage.run(String(req.query.name), next);
const byEnterWith: RequestHandler = (req, _res, next) => {
  storage.enterWith(String(req.query.name));
  next();
};
const byRunLater: RequestHandler = (req, _res, next) =>
  storage.run(String(req.query.name), () => setTimeout(next, 5));
const passes: RequestHandler = (_req, _res, next) => next();

const ways: [string, ServeOptions][] = [
  ["run before the session", { beforeSession: [byRun] }],
  [
    "run before the session, and another middleware after it",
    { beforeSession: [byRun], behindSession: [passes] },
  ],
  ["run after the session", { behindSession: [byRun] }],
  ["run later", { behindSession: [byRunLater] }],
  ["enterWith before the session", { beforeSession: [byEnterWith] }],
  ["enterWith after the session", { behindSession: [byEnterWith, passes] }],
];

describe.each(versions)("on $version", ({ createApp }) => {
  // Once, only HTTP handlers ran inside.
  test.each(ways)(
    "a context that a middleware enters by %s is present wherever the app is called",
    async (_way, options) => {
      const seen: Record<string, unknown> = {};
      const note = (where: string) => {
        seen[where] = current();
      };
      const served = await serve({
        ...options,
        createApp,
        place: await redisPlace(),
        session: {
          genid() {
            note("genid");
            return crypto.randomUUID();
          },
        },
        webSocket: (app) => ({
          path: "/ws",
          app,
          authorize: async (req) => {
            note("authorize");
            await req.session.save();
            note("authorize, later");
            return true;
          },
          handleProtocols([first]) {
            note("handleProtocols");
            return first;
          },
        }),
        onConnection: async (ws) => {
          note("connection");
          ws.on("message", async () => {
            note("message");
            await new Promise(setImmediate);
            note("message, later");
            ws.send("hello", () => note("send"));
          });
          ws.once("pong", () => note("pong"));
          ws.onclose = () => note("onclose");
          ws.on("close", () => note("close"));
          ws.ping();
          await new Promise(setImmediate);
          note("connection, later");
        },
      });
      const ws = await served.browser().webSocket("/ws?name=ada", { protocols: ["chat"] });
      ws.send("one");
      expect(await nextMessage(ws)).toBe("hello");
      await eventually(() => expect(seen.pong).toBe("ada"));
      ws.close(1000);
      await eventually(() => expect(seen).toHaveProperty("close"));
      await eventually(() => expect(Object.keys(seen)).toHaveLength(12));
      // It is read before the middlewares behind the session, so it would show a context left by others.
      if (!options.beforeSession) {
        expect(seen.genid).toBeUndefined();
        delete seen.genid;
      }
      expect([...new Set(Object.values(seen))]).toEqual(["ada"]);
    },
  );
});

test("realtime's listeners and handlers have the context of their own connection, also for a message to both", async () => {
  const served = await serve({ beforeSession: [byRun], onConnection: () => {} });
  const seen: [string, string | undefined, unknown][] = [];
  const chat = realtime({
    authorizeGroup: (_user, group) => {
      seen.push(["authorizeGroup", current(), group]);
      return true;
    },
  })
    .on("connect", async (connection) => {
      const name = connection.req.query.name as string;
      seen.push(["connect", current(), name]);
      await connection.join(name);
      await connection.join("all");
      seen.push(["connect, later", current(), name]);
    })
    .on("disconnect", ({ req }) => void seen.push(["disconnect", current(), req.query.name]))
    .on("say", async ({ req }) => {
      seen.push(["say", current(), req.query.name]);
      await chat.group("all").send("said");
      seen.push(["say, later", current(), req.query.name]);
      return current();
    });
  served.wsSessions.attach(chat);
  afterThisTest(() => served.wsSessions.close());
  const names = ["ada", "grace", "edith"];
  const lines = await Promise.all(names.map((name) => served.browser().webSocket(`/ws?name=${name}`)));
  // Several messages at once, so the loop of the first message handles the later ones too.
  for (let at = 0; at < 5; at++)
    for (const ws of lines) ws.send(JSON.stringify({ event_type: "say", id: at }));
  for (const [at, ws] of lines.entries()) expect(await answers(ws, 5)).toEqual(Array(5).fill(names[at]));
  for (const ws of lines) ws.close(1000);
  await eventually(() => expect(seen.filter(([where]) => where === "disconnect")).toHaveLength(3));
  for (const [where, entered, name] of seen)
    if (name !== "all") expect([where, entered]).toEqual([where, name]);
  expect(seen.filter(([where]) => where === "say, later")).toHaveLength(15);
});

/** The data of that many answers. Other messages are skipped. */
async function answers(ws: WebSocket, count: number): Promise<unknown[]> {
  const found: unknown[] = [];
  while (found.length < count) {
    const { status, data } = JSON.parse(await nextMessage(ws));
    if (status) found.push(data);
  }
  return found;
}

test("a context of the app's own upgrade listener is present without any middleware", async () => {
  const served = await serve();
  served.server.removeAllListeners("upgrade");
  const seen: unknown[] = [];
  const sessions = webSocketSessions(served.stack).on("connection", (ws) => {
    ws.on("message", () => seen.push(current()));
  });
  served.server.on("upgrade", (...args) => storage.run("upgrade", () => sessions.handleUpgrade(...args)));
  (await served.browser().webSocket("/")).send("one");
  await eventually(() => expect(seen).toEqual(["upgrade"]));
});

test("the rejection of a listener is an error event in the same context", async () => {
  const seen: unknown[] = [];
  const served = await serve({
    beforeSession: [byRun],
    onConnection: (ws) =>
      ws.on("message", async () => {
        throw new Error("broken");
      }),
  });
  served.wsSessions.on("error", () => seen.push(current()));
  const ws = await served.browser().webSocket("/ws?name=ada");
  ws.send("one");
  expect((await closed(ws)).code).toBe(1011);
  await eventually(() => expect(seen).toEqual(["ada"]));
});

test("without such a middleware a connection keeps no context", async () => {
  const taken = jest.spyOn(AsyncLocalStorage, "snapshot");
  afterThisTest(() => taken.mockRestore());
  const served = await serve();
  await served.browser().webSocket("/ws");
  expect(taken).not.toHaveBeenCalled();
});
