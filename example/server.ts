import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { webSocketSessions } from "express-session-stack";
import { makeApp } from "./app.ts";
import { openBackend } from "./backend.ts";
import { makeChat } from "./realtime/chat.ts";
import { authorize } from "./realtime/handshake.ts";
import { makeSessions } from "./sessions.ts";
import { Users } from "./users.ts";

/** Over how long pages are sent to reconnect when the server stops, and how long requests may still run. */
const DRAIN_MS = 500;
const STOP_LIMIT_MS = 5000;

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

const { PORT, REDIS_URL, REDIS_PREFIX, SESSION_SECRET, WRONG_PASSWORDS_PER_MINUTE } = process.env;
const { backend, store, close: closeBackend } = await openBackend(REDIS_URL, REDIS_PREFIX);
const { sessionStack, userSessions } = makeSessions(backend, SESSION_SECRET || (await store.secret()));
const users = await Users.in(store);
const chat = makeChat(users, store);
const wrongPerMinute = Number(WRONG_PASSWORDS_PER_MINUTE || 10);
const app = makeApp({ sessionStack, userSessions, users, chat, wrongPerMinute });
const wsSessions = webSocketSessions(sessionStack, { path: "/ws", app, authorize });
wsSessions.on("error", (error) => console.error(error));
wsSessions.attach(chat.realtime);

const server = createServer(app);
server.on("upgrade", wsSessions.handleUpgrade);
server.listen(Number(PORT || 3000), "127.0.0.1");
await once(server, "listening");
console.log(`express-session-stack example: http://127.0.0.1:${(server.address() as AddressInfo).port}`);

async function stop(): Promise<void> {
  // A second signal ends the process at once.
  for (const signal of SIGNALS) process.off(signal, stop);
  // Connections first: the server's own close waits for them, but does not end them.
  await wsSessions.close({ drainMs: DRAIN_MS });
  server.close();
  setTimeout(() => server.closeAllConnections(), STOP_LIMIT_MS).unref();
  await once(server, "close");
  // Last: requests that end now still save, and still end the sessions of others.
  await closeBackend();
}

for (const signal of SIGNALS) process.on(signal, stop);
