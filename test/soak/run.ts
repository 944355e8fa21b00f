/**
 * Keeps many connections open on one node for a while, and looks whether anything of the node grows, or anything that was
 * acknowledged is lost: `npm run test:soak -- [--minutes 10] [--connections 10000]`.
 */
import { execFileSync } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { eventually } from "../support/eventually.ts";
import { connectRedis } from "../support/redis-client.ts";
import { startRedisServer } from "../support/redis-server.ts";
import { Child } from "./child.ts";
import { leftInRedis } from "./left-in-redis.ts";
import { reportRow, reportTable, totals } from "./report.ts";
import { leftOvers, percent, type Sample, trendOf } from "./samples.ts";

const { values: options } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    connections: { type: "string", default: "10000" },
  },
});
const minutes = Number(options.minutes);
const connections = Number(options.connections);
const PREFIX = "soak:";
const PROCESSES = 2;
/** At ten times the pace: each connection that comes and goes does so often enough. */
const WARM_UP_MS = 60_000;
const SAMPLE_MS = 15_000;
/** Beside the connections: modules, Redis, and logins. */
const SPARE_DESCRIPTORS = 500;
/** A source for each so many connections, since an address has 28,000 ports, of which those just closed stay taken. */
const CONNECTIONS_AN_ADDRESS = 2_500;

// Node raises its own limit up to this one.
const limit = execFileSync("sh", ["-c", "ulimit -Hn"], { encoding: "utf8" }).trim();
if (limit !== "unlimited" && Number(limit) < connections + SPARE_DESCRIPTORS)
  throw new Error(
    `${connections} connections need ${connections + SPARE_DESCRIPTORS} file descriptors, and ulimit -Hn is ${limit}: ` +
      "raise it as root (ulimit -Hn), or give --connections a smaller number.",
  );

const addresses =
  process.platform === "linux"
    ? Array.from({ length: Math.ceil(connections / CONNECTIONS_AN_ADDRESS) }, (_, n) => `127.0.0.${2 + n}`)
    : [];
const violations: string[] = [];
const samples: Sample[] = [];
const redisServer = await startRedisServer();
const redis = await connectRedis(redisServer.url);
try {
  const server = await Child.start("./server-main.ts", { REDIS_URL: redisServer.url, PREFIX });
  const url = `http://127.0.0.1:${await server.ask<number>("port")}`;
  const users = Math.floor(connections / 2 / PROCESSES);
  const clients = await Promise.all(
    Array.from({ length: PROCESSES }, (_, n) => {
      const part = { FIRST: `${n * users}`, COUNT: `${users}` };
      return Child.start("./load-main.ts", { URL: url, ADDRESSES: addresses.join(","), ...part });
    }),
  );
  const all = <T>(command: string) => Promise.all(clients.map((client) => client.ask<T>(command, 900_000)));
  const take = () => server.ask<Sample>("sample");

  const before = await take();
  const opening = Date.now();
  await all("open");
  console.log(`${connections} connections in ${Math.round((Date.now() - opening) / 1_000)} s`);
  const full = await take();
  console.log(reportTable());
  console.log(reportRow("before", before, before));
  // A hash table of V8 doubles once, when as many entries have gone as still fit, and never again at this load.
  await all("hasten");
  await delay(WARM_UP_MS);
  await all("stop");
  console.log(reportRow("warm", await take(), full));
  await all("start");
  const start = Date.now();
  // By the clock: on a busy machine a sample may take longer than the time to the next.
  for (let at = start; at <= start + minutes * 60_000; at = Math.max(at + SAMPLE_MS, Date.now())) {
    await delay(Math.max(at - Date.now(), 0));
    const sample = await take();
    samples.push(sample);
    console.log(reportRow(`${((sample.at - start) / 60_000).toFixed(2)} min`, sample, full));
  }
  await all("stop");
  await all("judge");
  await all("close");
  const isGone = async () => {
    const left = await leftInRedis(redis, PREFIX, true);
    if (left.length > 0)
      throw new Error(`${left.length} left in Redis, such as ${left.slice(0, 3).join(", ")}`);
  };
  await eventually(isGone, { withinMs: 30_000 }).catch((error) => violations.push(String(error)));
  // What HTTP and timers keep for some seconds.
  await delay(15_000);
  const after = await take();
  console.log(reportRow("after all", after, before));

  const figures = totals(await all("report"));
  violations.push(
    ...figures.violations,
    ...(await server.ask<string[]>("troubles")),
    ...leftOvers(before, after),
  );
  await server.ask("close");
  for (const left of await leftInRedis(redis, PREFIX, false))
    violations.push(`left in Redis after all: ${left}`);
  if (!(await server.endsWithin(15_000)))
    violations.push("the node does not end by itself once it is closed");

  const trend = trendOf(samples);
  violations.push(...trend.violations);
  console.log(`\n${figures.text}`);
  const growth = `${(trend.heapBytesPerMinute / 1024).toFixed(0)} KiB a minute, ${percent(trend.heapGrowth)}`;
  console.log(`heap in the second half: ${growth} in all`);
} finally {
  redis.destroy();
  await redisServer.stop();
}
for (const violation of violations.slice(0, 50)) console.error(`violation: ${violation}`);
console.log(
  violations.length === 0 ? "nothing grows, and nothing was lost" : `${violations.length} violations`,
);
process.exit(violations.length === 0 ? 0 : 1);
