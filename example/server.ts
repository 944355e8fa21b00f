import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { makeApp } from "./app.ts";
import { makeLive } from "./live.ts";
import { makeSessions } from "./sessions.ts";
import { Tabs } from "./tabs.ts";
import { Users } from "./users.ts";

/** How long requests that are still running may take when the server stops. */
const STOP_LIMIT_MS = 5000;

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

const { sessionStack, userSessions, close: closeSessions } = await makeSessions(process.env);
const users = await Users.withDemoUsers();
const tabs = new Tabs();
const app = makeApp({ sessionStack, userSessions, users, tabs });
const wsSessions = makeLive({ sessionStack, app, users, tabs });

const server = createServer(app);
server.on("upgrade", wsSessions.handleUpgrade);
server.listen(Number(process.env.PORT || 3000), "127.0.0.1");
await once(server, "listening");
console.log(`express-session-stack example: http://127.0.0.1:${(server.address() as AddressInfo).port}`);

async function stop(): Promise<void> {
  // A second signal ends the process at once.
  for (const signal of SIGNALS) process.off(signal, stop);
  // Connections first: the server's own close waits for them, but does not end them.
  await wsSessions.close();
  server.close();
  setTimeout(() => server.closeAllConnections(), STOP_LIMIT_MS).unref();
  await once(server, "close");
  // Last: requests that end now still save, and still end the sessions of others.
  await closeSessions();
}

for (const signal of SIGNALS) process.on(signal, stop);
