/**
 * What one client that never reads does to all others of its group, beside a loop of ws's `send` and socket.io.
 *
 * Every server is a process with the first core to itself; the clients and an own Redis share the second. In each round
 * a server sends the same messages twice, one after the other has arrived everywhere: to clients that all read, and
 * then with one more that has stopped reading. What is timed are the deliveries to those that read. The messages are
 * large, so that what the kernel keeps for the silent one is soon full, and the rest is up to the server.
 */
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { pinSelf } from "./cores.ts";
import { machine } from "./machine.ts";
import { ownRedis } from "./redis.ts";
import { markdownTable, median, percentile, spread, writeResults } from "./report.ts";
import { type ServerProcess, serverProcess } from "./server-process.ts";
import { storeSessions, userIds } from "./stored-sessions.ts";
import { WsClient } from "./ws-client.ts";
import { WsClients } from "./ws-clients.ts";
import { type Command, dialectOf, type Memory, type WsServerName } from "./ws-protocol.ts";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    ticks: { type: "string", default: "600" },
    connections: { type: "string", default: "1000" },
    write: { type: "boolean", default: false },
  },
});
const rounds = Number(options.rounds);
const ticks = Number(options.ticks);
/** One of them is the client that never reads. */
const connections = Number(options.connections);
const messageBytes = 32 * 1024;
const mostRise = 2;
const MIB = 1024 * 1024;

const ours: WsServerName = "express-session-stack + realtime";
const names: WsServerName[] = ["ws", "socket.io", ours];

interface Running {
  name: WsServerName;
  server: ServerProcess;
  clients: WsClients;
  slowCookie: string;
  text: string;
}

interface Figures {
  p99AloneMs: number[];
  p99BesideMs: number[];
  /** How much more memory the server has once the messages are sent, beside what it had for those who read. */
  grownMib: number[];
  closed: number[];
}

async function start(name: WsServerName, redisUrl: string): Promise<Running> {
  const users = userIds(connections);
  const [slowCookie = "", ...cookies] = await storeSessions(redisUrl, users);
  const server = await serverProcess("./ws-server.ts", [name, redisUrl], ["--expose-gc"]);
  const dialect = dialectOf(name);
  const clients = await WsClients.open(server, dialect, cookies);
  await server.ask({ command: "join", userIds: users } satisfies Command);
  return { name, server, clients, slowCookie, text: "x".repeat(messageBytes - dialect.envelopeBytes) };
}

/** Milliseconds that each delivery took, of one message after the other. */
async function deliveries({ server, clients, text }: Running): Promise<number[]> {
  const took: number[] = [];
  for (let tick = 0; tick < ticks; tick++) {
    const sentAt = performance.now();
    clients.onMessage = () => took.push(performance.now() - sentAt);
    const arrival = clients.arrivalOf(clients.received + clients.clients.length);
    server.tell({ command: "broadcast", texts: [text] } satisfies Command);
    await arrival;
  }
  return took;
}

const memoryMib = async ({ server }: Running) =>
  (await server.ask<Memory>({ command: "memory" } satisfies Command)).rssBytes / MIB;

const closedSoFar = ({ server }: Running) =>
  server.ask<number>({ command: "slowConsumers" } satisfies Command);

async function measureRound(running: Running, own: Figures): Promise<void> {
  const { name, server, slowCookie } = running;
  own.p99AloneMs.push(percentile(await deliveries(running), 0.99));
  const [before, closedBefore] = [await memoryMib(running), await closedSoFar(running)];
  const slow = new WsClient({ port: server.port, dialect: dialectOf(name), cookie: slowCookie });
  await slow.opened;
  slow.stopReading();
  own.p99BesideMs.push(percentile(await deliveries(running), 0.99));
  own.grownMib.push((await memoryMib(running)) - before);
  own.closed.push((await closedSoFar(running)) - closedBefore);
  slow.destroy();
  await slow.closed;
}

function rises({ p99AloneMs, p99BesideMs }: Figures): number[] {
  return p99BesideMs.map((p99, round) => p99 / (p99AloneMs[round] ?? Number.NaN));
}

pinSelf(1);
const redis = await ownRedis();
try {
  const figures = new Map<WsServerName, Figures>();
  const allRunning: Running[] = [];
  for (const [database, name] of names.entries()) {
    const running = await start(name, redis.url(database));
    await deliveries(running);
    allRunning.push(running);
    figures.set(name, { p99AloneMs: [], p99BesideMs: [], grownMib: [], closed: [] });
  }
  for (let round = 0; round < rounds; round++) {
    for (const running of allRunning) await measureRound(running, figures.get(running.name) as Figures);
  }
  for (const { server } of allRunning) await server.stop();

  const own = figures.get(ours) as Figures;
  const verdict = (met: boolean) => (met ? "met" : "**missed**");
  const markdown = [
    "## One client that never reads",
    `${new Date().toISOString().slice(0, 10)}, \`tsx bench/slow-consumer.ts ${process.argv.slice(2).join(" ")}\`: ` +
      `${connections - 1} connections that read and one that does not, ${ticks} messages of ${messageBytes / 1024} KiB one ` +
      `after the other, ${rounds} rounds, median (lowest–highest), ratios within a round.`,
    `To the one, ${Math.round((ticks * messageBytes) / MIB)} MiB are sent: more than the kernel keeps for it. Memory is resident, after full collections.`,
    machine(redis.version, ["ws", "socket.io", "@socket.io/redis-adapter", "redis"]),
    markdownTable(
      ["goal", "figure", ""],
      [
        [
          `p99 of the others: rises less than ${mostRise} times`,
          spread(rises(own), 2),
          verdict(median(rises(own)) < mostRise),
        ],
        [
          "the one is closed, in each round",
          `${own.closed.filter((count) => count === 1).length} of ${rounds}`,
          verdict(own.closed.every((count) => count === 1)),
        ],
      ],
    ),
    markdownTable(
      ["server", "p99 ms, all read", "p99 ms, one does not", "rise", "memory for the one, MiB", "closed it"],
      [...figures].map(([name, each]) => [
        name,
        spread(each.p99AloneMs, 1),
        spread(each.p99BesideMs, 1),
        spread(rises(each), 2),
        spread(each.grownMib, 1),
        `${each.closed.filter((count) => count === 1).length} of ${rounds}`,
      ]),
    ),
  ].join("\n\n");
  process.stdout.write(`${markdown}\n`);
  if (options.write) writeResults("slow-consumer", markdown);
} finally {
  await redis.stop();
}
