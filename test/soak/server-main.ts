import { once } from "node:events";
import { readdirSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay, setImmediate as turn } from "node:timers/promises";
import express from "express";
import { createClient } from "redis";
import {
  realtime,
  sessionMiddleware,
  sessionMiddlewareStack,
  userSessions,
  webSocketSessions,
} from "../../lib/index.ts";
import { redisBackend } from "../../lib/redis.ts";
import { answerWith } from "./child.ts";
import { leastOf, type Sample } from "./samples.ts";

/** The node whose memory and handles are watched, as an app would set it up. */
const { REDIS_URL = "", PREFIX = "" } = process.env;
const MOMENTS = 3;
const BETWEEN_MS = 300;
const troubles: string[] = [];
const trouble = (error: Error): void => {
  if (troubles.length < 100) troubles.push(error.cause ? `${error}, because of ${error.cause}` : `${error}`);
};
const client = createClient({ url: REDIS_URL });
client.on("error", trouble);
process.on("warning", trouble);
await client.connect();
const backend = redisBackend({ client, prefix: PREFIX });
const stack = sessionMiddlewareStack(
  sessionMiddleware({ secret: "soak", backend, timeoutMs: 10_000, touchAfterMs: 20_000 }),
).on("error", trouble);
const { logIn } = userSessions(stack);
const app = express();
app.use(stack());
app.post("/log-in/:user", async (req, res) => {
  await logIn(req, req.params.user);
  res.json(null);
});

const chat = realtime({ authorizeGroup: () => true }).on("error", trouble);
chat.on("connect", (connection) => connection.store.set("since", { at: connection.connectedAt }));
chat.on("join", (connection, { group }) => connection.join(group));
chat.on("leave", (connection, { group }) => connection.leave(group));
chat.on("send", async (_connection, { user, group, n }) => {
  const channel = group ? chat.group(group) : chat.user(user);
  await channel.send("message", { channel: group ?? user, n });
});
const wsSessions = webSocketSessions(stack, { path: "/ws", app, authorize: (req) => req.session.login })
  .on("error", trouble)
  .attach(chat);

const server = createServer(app);
server.on("upgrade", wsSessions.handleUpgrade);
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 });
await once(server, "listening");

/** What is under way at one moment is gone at another: what all of some have in common stays. */
async function sample(): Promise<Sample> {
  const moments: [Sample, ...Sample[]] = [await moment()];
  for (let more = 1; more < MOMENTS; more++) {
    await delay(BETWEEN_MS);
    moments.push(await moment());
  }
  return leastOf(moments);
}

/** After a full collection, and a second for what becomes free by the first. */
async function moment(): Promise<Sample> {
  if (!globalThis.gc) throw new Error("started without --expose-gc");
  globalThis.gc();
  await turn();
  globalThis.gc();
  const handles: Record<string, number> = {};
  for (const type of process.getActiveResourcesInfo()) handles[type] = (handles[type] ?? 0) + 1;
  const { connections } = wsSessions.stats();
  // Each open connection has one, so that those are counted which are none of an open connection.
  handles.TCPSocketWrap = (handles.TCPSocketWrap ?? 0) - connections;
  const { heapUsed, rss } = process.memoryUsage();
  return {
    at: Date.now(),
    heapUsedBytes: heapUsed,
    rssBytes: rss,
    handles,
    // Without the one that reads the folder.
    fileDescriptors: readdirSync("/proc/self/fd").length - 1 - connections,
    connections,
    messagesOut: chat.stats().messagesOut,
  };
}

answerWith({
  port: () => (server.address() as AddressInfo).port,
  sample,
  troubles: () => troubles,
  async close() {
    await wsSessions.close();
    server.close();
    await backend.close();
    await client.close();
  },
});
