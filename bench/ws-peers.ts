/** The servers whose WebSockets are measured, each as its own documentation sets it up. */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { NextFunction, Request, RequestHandler, Response } from "express";
import { createClient } from "redis";
import { inParallel } from "./in-parallel.ts";
import { cookieMaxAgeMs, secret } from "./stored-sessions.ts";
import { textFrame } from "./ws-frames.ts";
import { eventOf, heartbeat, heartbeatAnswer, type WsServerName } from "./ws-protocol.ts";

export interface Served {
  /** Sends one message of this text to every connection. */
  broadcast?(text: string): void;
  /** Puts users into the one group that `broadcast` sends to, where there are groups. */
  join?(userIds: string[]): Promise<void>;
  /** How many connections were closed because they did not read, where any are. */
  slowConsumers?(): number;
}

type Serve = (server: Server, redisUrl: string) => Promise<Served>;

const sessionOptions = {
  secret,
  cookie: { maxAge: cookieMaxAgeMs, secure: false },
  resave: false,
  saveUninitialized: false,
};
const group = "everyone";
/** The measured clients are silent for longer than the minute of the default; nothing else depends on it. */
const realtimeOptions = { inactivityThresholdSeconds: 3600 };

// Imported on demand, so that no process carries the code of the others.
export const peers: Record<WsServerName, Serve> = {
  ws: async (server) => {
    const { WebSocketServer } = await import("ws");
    const wss = new WebSocketServer({ server });
    wss.on("connection", (ws) => {
      ws.on("error", () => {});
      ws.on("message", (data) => {
        if (String(data) === heartbeat) ws.send(heartbeatAnswer);
      });
    });
    return {
      broadcast: (text) => {
        const message = eventOf(text);
        for (const client of wss.clients) client.send(message);
      },
    };
  },

  // No library could do with less than this: the frame made once, and one write for each connection and tick.
  "bare writes": async (server) => {
    const { WebSocketServer } = await import("ws");
    const wss = new WebSocketServer({ server });
    const sockets = new Set<Duplex>();
    wss.on("connection", (_ws, { socket }) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    });
    let tick: Buffer[] = [];
    return {
      broadcast: (text) => {
        tick.push(textFrame(eventOf(text)));
        if (tick.length > 1) return;
        setImmediate(() => {
          const frames = Buffer.concat(tick);
          tick = [];
          for (const socket of sockets) socket.write(frames);
        });
      },
    };
  },

  "ws + express-session": (server, redisUrl) => expressSessionParse(server, redisUrl, false),

  "ws + express-session, keeping req": (server, redisUrl) => expressSessionParse(server, redisUrl, true),

  "socket.io": async (server, redisUrl) => {
    const { Server } = await import("socket.io");
    const { createAdapter } = await import("@socket.io/redis-adapter");
    const [pubClient, subClient] = [await connected(redisUrl), await connected(redisUrl)];
    const io = new Server(server, {
      transports: ["websocket"],
      adapter: createAdapter(pubClient, subClient),
      serveClient: false,
    });
    const session = await expressSession(redisUrl);
    io.engine.use((req: IncomingMessage, res: ServerResponse, next: NextFunction) =>
      session(req as Request, res as Response, next),
    );
    io.use((socket, next) => next(userOf(socket.request) ? undefined : new Error("unauthorized")));
    io.on("connection", (socket) => {
      const userId = userOf(socket.request);
      socket.on("chat.message", (data) => process.stdout.write(`${userId}: ${String(data)}\n`));
    });
    return {
      broadcast: (text) => {
        io.emit("chat.message", { text });
      },
    };
  },

  "express-session-stack": async (server, redisUrl) => {
    const { wsSessions } = await stack(redisUrl);
    wsSessions.on("connection", (ws, req) => {
      const userId = userOf(req);
      ws.on("message", (data) => process.stdout.write(`${userId}: ${String(data)}\n`));
    });
    server.on("upgrade", wsSessions.handleUpgrade);
    return {};
  },

  "express-session-stack + realtime": async (server, redisUrl) => {
    const { realtime } = await import("express-session-stack");
    const { wsSessions } = await stack(redisUrl);
    const chat = realtime(realtimeOptions);
    chat.on("chat.message", ({ userId }, data) => {
      process.stdout.write(`${userId}: ${JSON.stringify(data)}\n`);
    });
    wsSessions.attach(chat);
    server.on("upgrade", wsSessions.handleUpgrade);
    return {
      broadcast: (text) => {
        void chat.group(group).send("chat.message", { text });
      },
      slowConsumers: () => chat.stats().slowConsumers,
      join: (userIds) => inParallel(100, userIds, (userId) => chat.join(userId, group)),
    };
  },
};

/** ws's example express-session-parse; with `req` kept, its handlers can do as ours and read the session. */
async function expressSessionParse(server: Server, redisUrl: string, keepsReq: boolean): Promise<Served> {
  const { WebSocketServer } = await import("ws");
  const sessionParser = await expressSession(redisUrl);
  const wss = new WebSocketServer({ noServer: true });
  const users = new Map<string, object>();
  const onSocketError = () => {};
  server.on("upgrade", (request: IncomingMessage, socket, head) => {
    socket.on("error", onSocketError);
    sessionParser(request as Request, {} as Response, () => {
      if (!userOf(request)) {
        socket.write("HTTP/1.1 401 Unauthorized\r\n\r\n");
        socket.destroy();
        return;
      }
      socket.removeListener("error", onSocketError);
      wss.handleUpgrade(request, socket, head, (ws) => wss.emit("connection", ws, request));
    });
  });
  wss.on("connection", (ws, request) => {
    const userId = userOf(request);
    users.set(userId, keepsReq ? Object.assign(ws, { request }) : ws);
    ws.on("error", () => {});
    ws.on("message", (data) => process.stdout.write(`${userId}: ${String(data)}\n`));
    ws.on("close", () => users.delete(userId));
  });
  return {};
}

async function stack(redisUrl: string) {
  const { sessionMiddleware, sessionMiddlewareStack, webSocketSessions } = await import(
    "express-session-stack"
  );
  const { redisBackend } = await import("express-session-stack/redis");
  const backend = redisBackend({ client: await connected(redisUrl) });
  const sessionStack = sessionMiddlewareStack(sessionMiddleware({ ...sessionOptions, backend }));
  return {
    wsSessions: webSocketSessions(sessionStack, {
      authorize: (req) => Boolean(userOf(req)),
      maxHandshakesPerSecond: Infinity,
    }),
  };
}

async function expressSession(redisUrl: string): Promise<RequestHandler> {
  const { default: session } = await import("express-session");
  const { RedisStore } = await import("connect-redis");
  return session({ ...sessionOptions, store: new RedisStore({ client: await connected(redisUrl) }) });
}

function userOf(request: IncomingMessage): string {
  return (request as Request).session?.login?.userId ?? "";
}

async function connected(url: string) {
  const client = createClient({ url });
  client.on("error", (error) => {
    throw error;
  });
  return client.connect();
}
