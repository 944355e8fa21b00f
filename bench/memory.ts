/**
 * What an idle connection with a session takes of the server's memory, beside ws with express-session and
 * connect-redis, and socket.io.
 *
 * Each figure is of a process of its own: all that it has with more connections open, less what it had with fewer, both
 * after full collections. The kernel's share of a connection is not in it.
 */
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { pinSelf } from "./cores.ts";
import { machine } from "./machine.ts";
import { ownRedis } from "./redis.ts";
import { markdownTable, median, spread, writeResults } from "./report.ts";
import { type ServerProcess, serverProcess } from "./server-process.ts";
import { storeSessions, userIds } from "./stored-sessions.ts";
import { WsClients } from "./ws-clients.ts";
import { type Command, dialectOf, type Memory, type WsServerName } from "./ws-protocol.ts";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    connections: { type: "string", default: "2000" },
    write: { type: "boolean", default: false },
  },
});
const rounds = Number(options.rounds);
const connections = Number(options.connections);
/** Open throughout: they take the room that a process has to spare, and that of code which is loaded by the first. */
const before = 500;
/** Until V8 gives nothing back to the system any more. */
const settleSeconds = 13;

const peer: WsServerName = "ws + express-session";
const socketIo: WsServerName = "socket.io";
const ours: WsServerName = "express-session-stack + realtime";
/** As much as ours: sessions that handlers can read. No goal, since the example is what people start from. */
const keeping: WsServerName = "ws + express-session, keeping req";
const names: WsServerName[] = ["ws", peer, keeping, socketIo, "express-session-stack", ours];

/** KiB per connection. */
interface Figures {
  rss: number[];
  heapUsed: number[];
}

const figures = new Map<WsServerName, Figures>(names.map((name) => [name, { rss: [], heapUsed: [] }]));

async function settled(server: ServerProcess): Promise<Memory> {
  for (let second = 0; second < settleSeconds; second++) {
    await server.ask<Memory>({ command: "memory" } satisfies Command);
    await delay(1000);
  }
  return server.ask<Memory>({ command: "memory" } satisfies Command);
}

/** The processes rest at the same time, since that takes longest; connections are opened one server after the other. */
async function measureRound(
  redisUrl: (database: number) => string,
  cookies: readonly string[],
): Promise<void> {
  const running = await Promise.all(
    names.map(async (name, database) => {
      const args = [name, redisUrl(database)];
      return { name, server: await serverProcess("./ws-server.ts", args, ["--expose-gc"]) };
    }),
  );
  const grown = async (more: readonly string[]) => {
    for (const { name, server } of running) await WsClients.open(server, dialectOf(name), more);
    return Promise.all(running.map(({ server }) => settled(server)));
  };
  const less = await grown(cookies.slice(0, before));
  const more = await grown(cookies.slice(before));
  for (const [at, { name, server }] of running.entries()) {
    const own = figures.get(name);
    const growth = (kind: keyof Memory) => (more[at]?.[kind] ?? 0) - (less[at]?.[kind] ?? 0);
    own?.rss.push(growth("rssBytes") / connections / 1024);
    own?.heapUsed.push(growth("heapUsedBytes") / connections / 1024);
    await server.stop();
  }
}

function ratios(name: WsServerName, other: WsServerName, kind: keyof Figures): number[] {
  const others = figures.get(other)?.[kind] ?? [];
  return (figures.get(name)?.[kind] ?? []).map((own, round) => own / (others[round] ?? Number.NaN));
}

function goalRows(): string[][] {
  const goals: [WsServerName, string, number][] = [
    [peer, "ws with express-session and connect-redis", 1.3],
    [socketIo, "socket.io", 0.6],
  ];
  return goals.flatMap(([name, label, most]) =>
    (["rss", "heapUsed"] as const).map((kind) => {
      const ratio = ratios(ours, name, kind);
      const verdict = median(ratio) <= most ? "met" : "**missed**";
      const title = kind === "rss" ? "resident memory" : "heap";
      return [`${title}: at most ${most} times ${label}`, spread(ratio, 2), verdict];
    }),
  );
}

pinSelf(1);
const redis = await ownRedis();
try {
  // The same in each database.
  const users = userIds(before + connections);
  let cookies: string[] = [];
  for (const database of names.keys()) cookies = await storeSessions(redis.url(database), users);
  for (let round = 0; round < rounds; round++) await measureRound(redis.url, cookies);

  const table = markdownTable(
    ["server", "resident KiB/connection", `to ${peer}`, "heap KiB/connection", `to ${peer}`],
    names.map((name) => {
      const own = figures.get(name) ?? { rss: [], heapUsed: [] };
      const to = (kind: keyof Figures) => (name === peer ? "1" : spread(ratios(name, peer, kind), 2));
      return [
        name === peer ? `${name} + connect-redis` : name,
        spread(own.rss, 1),
        to("rss"),
        spread(own.heapUsed, 1),
        to("heapUsed"),
      ];
    }),
  );
  const packages = [
    "ws",
    "socket.io",
    "@socket.io/redis-adapter",
    "express-session",
    "connect-redis",
    "redis",
  ];
  const markdown = [
    "## Memory of an idle connection",
    `${new Date().toISOString().slice(0, 10)}, \`tsx bench/memory.ts ${process.argv.slice(2).join(" ")}\`: ` +
      `${connections} connections of as many users with a session each, ${rounds} rounds with new processes each, ` +
      "median (lowest–highest), ratios within a round.",
    `Growth from ${before} open connections to ${before + connections}, each after ${settleSeconds} s with full collections.`,
    machine(redis.version, packages),
    markdownTable(["goal", "figure", ""], goalRows()),
    table,
  ].join("\n\n");
  process.stdout.write(`${markdown}\n`);
  if (options.write) writeResults("memory", markdown);
} finally {
  await redis.stop();
}
