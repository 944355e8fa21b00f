/**
 * What it costs to end a user's sessions, by how many others there are, beside the scan that connect-redis's
 * `all()` makes, which is how one finds a user's sessions without an index.
 */
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { RedisStore } from "connect-redis";
import express, { type Request } from "express";
import { sessionMiddleware, sessionMiddlewareStack, userSessions } from "express-session-stack";
import { redisBackend } from "express-session-stack/redis";
import { createClient } from "redis";
import { machine } from "./machine.ts";
import { ownRedis } from "./redis.ts";
import { redisCommands } from "./redis-commands.ts";
import { markdownTable, median, spread, writeResults } from "./report.ts";

const { values: options } = parseArgs({
  options: { runs: { type: "string", default: "50" }, write: { type: "boolean", default: false } },
});
const runs = Number(options.runs);
const sizes = [1_000, 100_000, 1_000_000];
const sessionsOfUser = 5;
const fillAtATime = 10_000;
const goals = { flatWithin: 0.2, timesFaster: 1000 };

const redis = await ownRedis();
const client = await createClient({ url: redis.url(0) })
  .on("error", (error) => {
    throw error;
  })
  .connect();
const backend = redisBackend({ client });
const sessionStack = sessionMiddlewareStack(
  sessionMiddleware({ secret: "bench", backend, cookie: { maxAge: 24 * 60 * 60 * 1000, secure: false } }),
);
const { logIn, deleteUserSessions } = userSessions(sessionStack);
const peer = new RedisStore({ client, scanCount: 1000 });

/** Others' sessions, as connect-redis would have written them. */
async function fill(from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += fillAtATime) {
    const writes = Array.from({ length: Math.min(fillAtATime, to - at) }, (_, n) => {
      const session = {
        cookie: { originalMaxAge: 86_400_000, path: "/" },
        login: { userId: `other-${at + n}` },
      };
      return client.set(`sess:other-${at + n}`, JSON.stringify(session), {
        expiration: { type: "EX", value: 86_400 },
      });
    });
    await Promise.all(writes);
  }
}

const app = express();
app.use(sessionStack());
app.post("/login", async (req: Request, res) => {
  await logIn(req, "ada");
  res.end();
});
const server = app.listen(0, "127.0.0.1");
await new Promise((resolve) => server.once("listening", resolve));
const address = server.address();
const url = typeof address === "object" && address ? `http://127.0.0.1:${address.port}/login` : "";

async function logInAll(): Promise<void> {
  for (let n = 0; n < sessionsOfUser; n++) await fetch(url, { method: "POST" });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** What one would do without an index: read all sessions, pick the user's, destroy them. */
async function deleteByScan(): Promise<void> {
  const all = (await peer.all()) as { id: string; login?: { userId: string } }[];
  await Promise.all(all.filter(({ login }) => login?.userId === "ada").map(({ id }) => peer.destroy(id)));
}

function count(commands: Map<string, number>): string {
  const names = [...commands].map(([name, calls]) => `${calls.toLocaleString("en")} ${name}`);
  return `${[...commands.values()].reduce((a, b) => a + b, 0).toLocaleString("en")} (${names.join(", ")})`;
}

const rows: string[][] = [];
const ownMs: number[] = [];
let scanMs = 0;
try {
  let filled = 0;
  for (const size of sizes) {
    await fill(filled, size);
    filled = size;
    const own: number[] = [];
    for (let run = 0; run < runs + 5; run++) {
      await logInAll();
      const ms = await timed(async () => {
        const { sessionsDeleted } = await deleteUserSessions("ada");
        if (sessionsDeleted !== sessionsOfUser) throw new Error(`deleted ${sessionsDeleted} sessions`);
      });
      // The first few warm up the code and the line.
      if (run >= 5) own.push(ms);
    }
    await logInAll();
    const ownCommands = await redisCommands(redis.url(0), 0, () => deleteUserSessions("ada"));
    const scans: number[] = [];
    for (let run = 0; run < 3; run++) {
      await logInAll();
      scans.push(await timed(deleteByScan));
    }
    await logInAll();
    const scanCommands = await redisCommands(redis.url(0), 0, deleteByScan);
    ownMs.push(median(own));
    scanMs = median(scans);
    const sessions = size.toLocaleString("en");
    rows.push([sessions, "deleteUserSessions", `${spread(own, 2)}`, count(ownCommands)]);
    rows.push([sessions, "scan of connect-redis's all()", `${spread(scans, 0)}`, count(scanCommands)]);
    process.stderr.write(`${markdownTable(["a", "b", "c", "d"], rows.slice(-2))}\n`);
  }
} finally {
  server.close();
  await backend.close();
  client.destroy();
  await redis.stop();
}

const [smallest = Number.NaN] = ownMs;
const largest = ownMs.at(-1) ?? Number.NaN;
const growth = largest / smallest - 1;
const times = scanMs / largest;
const verdict = (met: boolean) => (met ? "met" : "**missed**");
const markdown = [
  "## Ending a user's sessions",
  `${new Date().toISOString().slice(0, 10)}, \`tsx bench/user-sessions.ts ${process.argv.slice(2).join(" ")}\`: a user with ` +
    `${sessionsOfUser} sessions, median (lowest–highest) of ${runs} runs, and of 3 of the scan; one node, no connections.`,
  machine(redis.version, ["connect-redis", "redis"]),
  markdownTable(
    ["goal", "figure", ""],
    [
      [
        "from the smallest to the largest store: within 20%",
        `${(growth * 100).toFixed(0)}%`,
        verdict(Math.abs(growth) <= goals.flatWithin),
      ],
      [
        "at 1 million: over 1,000 times faster than the scan",
        `${Math.round(times).toLocaleString("en")} times`,
        verdict(times > goals.timesFaster),
      ],
    ],
  ),
  markdownTable(["sessions in the store", "by", "ms", "Redis commands"], rows),
].join("\n\n");
process.stdout.write(`${markdown}\n`);
if (options.write) writeResults("user-sessions", markdown);
