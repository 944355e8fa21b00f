import { createServer } from "node:http";
import express, { type Request } from "express";
import type { Store } from "express-session";
import type { Backend, SessionStack, SessionStackError } from "../../lib/index.ts";
import { sessionMiddleware, sessionMiddlewareStack, webSocketSessions } from "../../lib/index.ts";
import { type ListeningServer, listen } from "../support/http-server.ts";
import type { Gates } from "./gates.ts";

/** The change of an operation to the session. Each operation has its own key. */
export type Change = "add" | "remove" | "nest";

type Contents = Record<string, unknown>;

/** The initial contents of every session, for each operation. */
export function initialContents(operations: number): Contents {
  const contents: Contents = {};
  for (let at = 0; at < operations; at++) {
    contents[`remove${at}`] = "to be removed";
    contents[`nest${at}`] = { deep: { value: 0 }, list: [1, 2] };
  }
  return contents;
}

export function applyChange(contents: Contents, change: Change, at: number): void {
  if (change === "add") contents[`add${at}`] = { at };
  if (change === "remove") delete contents[`remove${at}`];
  if (change === "nest") (contents[`nest${at}`] as { deep: { value: number } }).deep.value = at + 1;
}

/** Whether stored contents show an operation's change. */
export function hasChange(contents: Contents, change: Change, at: number): boolean {
  if (change === "add") return (contents[`add${at}`] as { at: number } | undefined)?.at === at;
  if (change === "remove") return !(`remove${at}` in contents);
  return (contents[`nest${at}`] as { deep: { value: number } }).deep.value === at + 1;
}

/** Saves, and returns "saved" or the code of the refusal. */
async function savedOrCode(req: Request): Promise<string> {
  return req.session.save().then(
    () => "saved",
    (error: SessionStackError) => error.code,
  );
}

/** A node whose handlers wait at gates: `<name>:loaded` before the change, `<name>:changed` after it. */
export async function startNode(
  options: { backend?: Backend; store?: Store },
  gates: Gates,
): Promise<ListeningServer & { sessionStack: SessionStack }> {
  const sessionStack = sessionMiddlewareStack(
    sessionMiddleware({
      secret: "interleavings",
      cookie: { maxAge: 600_000 },
      timeoutMs: 30_000,
      ...options,
    }),
  );
  const app = express();
  app.use(sessionStack());

  app.get("/start", (req, res) => {
    Object.assign(req.session, initialContents(Number(req.query.operations)));
    res.json(req.sessionID);
  });

  app.get("/change", async (req, res) => {
    const { change, at, name, explicit } = req.query as Record<string, string>;
    await gates.pass(`${name}:loaded`);
    const isFresh = !("remove0" in req.session) && !("nest0" in req.session);
    if (!isFresh) applyChange(req.session as unknown as Contents, change as Change, Number(at));
    const outcome = explicit === "yes" && !isFresh ? await savedOrCode(req) : "implicit";
    await gates.pass(`${name}:changed`);
    res.json({ outcome, isFresh });
  });

  app.get("/end", async (req, res) => {
    const { name, by } = req.query as Record<string, string>;
    await gates.pass(`${name}:loaded`);
    if (by === "destroy") await req.session.destroy();
    else await req.session.regenerate();
    await gates.pass(`${name}:changed`);
    res.json({ outcome: by });
  });

  const wsSessions = webSocketSessions(sessionStack, { path: "/ws", maxHandshakesPerSecond: Infinity });
  wsSessions.on("connection", (ws, req) => {
    ws.on("message", async (data) => {
      const { change, at, name, save } = JSON.parse(data.toString());
      await gates.pass(`${name}:loaded`);
      const contents = req.session as unknown as Contents;
      if (save) applyChange(contents, change, at);
      else contents[`unasked${at}`] = true;
      const outcome = save ? await savedOrCode(req) : "unsaved";
      await gates.pass(`${name}:changed`);
      ws.send(JSON.stringify({ name, outcome }));
    });
  });

  const listening = await listen(createServer(app));
  listening.server.on("upgrade", wsSessions.handleUpgrade);
  return { ...listening, sessionStack };
}
