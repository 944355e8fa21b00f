/**
 * What it costs to end and to list the sessions of a user who has very many, and what requests of others feel of it: one
 * node that does both.
 */
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import express from "express";
import { sessionMiddleware, sessionMiddlewareStack, userSessions } from "express-session-stack";
import { redisBackend } from "express-session-stack/redis";
import { createClient } from "redis";
import { machine } from "./machine.ts";
import { ownRedis } from "./redis.ts";
import { markdownTable, median, percentile, spread, writeResults } from "./report.ts";

const { values: options } = parseArgs({
  options: { runs: { type: "string", default: "3" }, write: { type: "boolean", default: false } },
});
const runs = Number(options.runs);
const sizes = [12_000, 100_000];
const lifeMs = 86_400_000;

const redis = await ownRedis();
const client = await createClient({ url: redis.url(0) })
  .on("error", (error) => {
    throw error;
  })
  .connect();
const backend = redisBackend({ client });
const sessionStack = sessionMiddlewareStack(
  sessionMiddleware({ secret: "bench", backend, cookie: { maxAge: lifeMs, secure: false } }),
);
const { logIn, deleteUserSessions, listUserSessions } = userSessions(sessionStack);

const app = express();
app.use(sessionStack());
app.post("/login", async (req, res) => {
  await logIn(req, "grace");
  res.end();
});
app.get("/", (req, res) => void res.json({ user: req.session.login?.userId }));
const server = app.listen(0, "127.0.0.1");
await new Promise((resolve) => server.once("listening", resolve));
const address = server.address();
const url = typeof address === "object" && address ? `http://127.0.0.1:${address.port}` : "";
const login = await fetch(`${url}/login`, { method: "POST" });
const cookie = login.headers.getSetCookie()[0]?.split(";")[0] ?? "";

async function fill(count: number): Promise<void> {
  const json = JSON.stringify({
    cookie: { originalMaxAge: lifeMs, path: "/" },
    login: { userId: "ada", at: Date.now() },
  });
  for (let from = 0; from < count; from += 5_000) {
    const sids = Array.from({ length: Math.min(5_000, count - from) }, (_, n) => `ada-${from + n}`);
    await Promise.all(
      sids.flatMap((sid) => [
        client.set(`sess:${sid}`, json, { expiration: { type: "PX", value: lifeMs } }),
        backend.sessionIndex.enter("ada", sid, lifeMs),
      ]),
    );
  }
}

/** Milliseconds of requests that another user sends, one after the other, until the work is done; and the work's own. */
async function beside(
  work: () => Promise<unknown>,
): Promise<{ ms: number; requests: number[]; failed: () => number }> {
  const requests: number[] = [];
  let failed = 0;
  let isDone = false;
  const others = Array.from({ length: 4 }, async () => {
    while (!isDone) {
      const begunAt = performance.now();
      const response = await fetch(url, { headers: { cookie } });
      await response.arrayBuffer();
      requests.push(performance.now() - begunAt);
      if (response.status !== 200) failed++;
    }
  });
  const begunAt = performance.now();
  try {
    await work();
    return { ms: performance.now() - begunAt, requests, failed: () => failed };
  } finally {
    isDone = true;
    await Promise.all(others);
  }
}

const works: [name: string, work: () => Promise<unknown>][] = [
  ["nothing, for a second", () => new Promise((resolve) => setTimeout(resolve, 1_000))],
  ["listUserSessions, 1,000 of them", () => listUserSessions("ada")],
  [
    "50 times listUserSessions at once",
    () => Promise.all(Array.from({ length: 50 }, () => listUserSessions("ada"))),
  ],
  ["deleteUserSessions", () => deleteUserSessions("ada")],
  [
    "50 times deleteUserSessions at once",
    () => Promise.all(Array.from({ length: 50 }, () => deleteUserSessions("ada"))),
  ],
];

const rows: string[][] = [];
try {
  for (const size of sizes) {
    for (const [name, work] of works) {
      const ms: number[] = [];
      const requests: number[] = [];
      let failed = 0;
      for (let run = 0; run < runs; run++) {
        await fill(size);
        const result = await beside(work);
        ms.push(result.ms);
        requests.push(...result.requests);
        failed += result.failed();
      }
      const latencies = [median(requests), percentile(requests, 0.99), Math.max(...requests)];
      rows.push([
        size.toLocaleString("en"),
        name,
        spread(ms, 0),
        ...latencies.map((latency) => latency.toFixed(1)),
        `${failed} of ${requests.length}`,
      ]);
      process.stderr.write(`${rows.at(-1)?.join(" | ")}\n`);
    }
    await deleteUserSessions("ada");
  }
} finally {
  server.close();
  await backend.close();
  client.destroy();
  await redis.stop();
}

const markdown = [
  "## A user with very many sessions",
  `${new Date().toISOString().slice(0, 10)}, \`tsx bench/many-sessions.ts ${process.argv.slice(2).join(" ")}\`: ` +
    `median (lowest–highest) of ${runs} runs, on one node, while four requests of another user at a time go through the same node.`,
  machine(redis.version, ["redis"]),
  markdownTable(
    ["sessions of the user", "work", "ms", "others' requests: median ms", "p99", "longest", "failed"],
    rows,
  ),
].join("\n\n");
process.stdout.write(`${markdown}\n`);
if (options.write) writeResults("many-sessions", markdown);
