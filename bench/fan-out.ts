/**
 * What a message to a group costs for each connection that gets it, beside a loop of ws's `send` and socket.io.
 *
 * Every server is a process with the first core to itself; the clients and an own Redis share the second. All
 * connections are open all the time, and the servers take turns, round by round. Clients that do no more than count
 * still cost about as much as a server, so the figure is deliveries per second of the server's own CPU time: what
 * it can do, whoever waits for whom. The messages per second of the clock are beside it.
 */
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { pinSelf } from "./cores.ts";
import { machine } from "./machine.ts";
import { profiled } from "./profile.ts";
import { ownRedis } from "./redis.ts";
import { markdownTable, median, refuseDisturbed, spread, writeResults } from "./report.ts";
import { type ServerProcess, serverProcess } from "./server-process.ts";
import { storeSessions, userIds } from "./stored-sessions.ts";
import { WsClients } from "./ws-clients.ts";
import { type Command, type Cpu, dialectOf, type WsServerName } from "./ws-protocol.ts";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    seconds: { type: "string", default: "3" },
    connections: { type: "string", default: "2000" },
    profile: { type: "string" },
    write: { type: "boolean", default: false },
  },
});
const rounds = Number(options.rounds);
const seconds = Number(options.seconds);
const connections = Number(options.connections);
const warmUpSeconds = 2;
const messageBytes = 128;

const loop: WsServerName = "ws";
const socketIo: WsServerName = "socket.io";
const ours: WsServerName = "express-session-stack + realtime";
/** What the machine allows, to see how much of a figure is the kernel's. */
const floor: WsServerName = "bare writes";
const names = [floor, loop, socketIo, ours];

interface Case {
  title: string;
  messagesPerTick: number;
  /** Deliveries per CPU second, as a multiple of the peer's in the same run. */
  leastRatios: [WsServerName, number][];
}

const cases: Case[] = [
  {
    title: "1 message a tick",
    messagesPerTick: 1,
    leastRatios: [
      [loop, 1],
      [socketIo, 4],
    ],
  },
  {
    title: "5 messages a tick",
    messagesPerTick: 5,
    leastRatios: [
      [loop, 3],
      [socketIo, 4],
    ],
  },
];

interface Running {
  name: WsServerName;
  server: ServerProcess;
  clients: WsClients;
  text: string;
}

interface Figures {
  perCpuSecond: number[];
  perSecond: number[];
  cpuShare: number[];
  /** Microseconds of CPU time for each delivery, of the server's code and of the kernel on its behalf. */
  userMicros: number[];
  systemMicros: number[];
}

async function start(name: WsServerName, redisUrl: string): Promise<Running> {
  const users = userIds(connections);
  const cookies = await storeSessions(redisUrl, users);
  const server = await serverProcess("./ws-server.ts", [name, redisUrl]);
  const dialect = dialectOf(name);
  const clients = await WsClients.open(server, dialect, cookies);
  await server.ask({ command: "join", userIds: users } satisfies Command);
  return { name, server, clients, text: "x".repeat(messageBytes - dialect.envelopeBytes) };
}

/** Ticks one after the other: the next begins when all clients have got all messages of the one before. */
async function ticks({ server, clients, text }: Running, messagesPerTick: number, forSeconds: number) {
  const command: Command = { command: "broadcast", texts: Array(messagesPerTick).fill(text) };
  const before = await server.ask<Cpu>({ command: "cpu" } satisfies Command);
  const receivedBefore = clients.received;
  const begin = performance.now();
  let elapsedMs = 0;
  while (elapsedMs < forSeconds * 1000) {
    const arrival = clients.arrivalOf(clients.received + messagesPerTick * connections);
    server.tell(command);
    await arrival;
    elapsedMs = performance.now() - begin;
  }
  const after = await server.ask<Cpu>({ command: "cpu" } satisfies Command);
  return {
    deliveries: clients.received - receivedBefore,
    elapsedMs,
    userMs: after.userMs - before.userMs,
    systemMs: after.systemMs - before.systemMs,
  };
}

async function measure(running: Running[], { messagesPerTick }: Case): Promise<Map<WsServerName, Figures>> {
  const figures = new Map<WsServerName, Figures>();
  for (const each of running) {
    await ticks(each, messagesPerTick, warmUpSeconds);
    figures.set(each.name, {
      perCpuSecond: [],
      perSecond: [],
      cpuShare: [],
      userMicros: [],
      systemMicros: [],
    });
  }
  for (let round = 0; round < rounds; round++) {
    for (const each of running) {
      const { deliveries, elapsedMs, userMs, systemMs } = await ticks(each, messagesPerTick, seconds);
      const own = figures.get(each.name);
      own?.perCpuSecond.push((deliveries / (userMs + systemMs)) * 1000);
      own?.perSecond.push((deliveries / elapsedMs) * 1000);
      own?.cpuShare.push((userMs + systemMs) / elapsedMs);
      own?.userMicros.push((userMs / deliveries) * 1000);
      own?.systemMicros.push((systemMs / deliveries) * 1000);
    }
  }
  return figures;
}

function ratios(own: Figures, other: Figures | undefined): number[] {
  return own.perCpuSecond.map((figure, round) => figure / (other?.perCpuSecond[round] ?? Number.NaN));
}

function figuresTable(figures: Map<WsServerName, Figures>): string {
  return markdownTable(
    [
      "server",
      "deliveries/CPU s",
      "to the ws loop",
      "own code, us/delivery",
      "kernel, us/delivery",
      "deliveries/s",
      "core used",
    ],
    [...figures].map(([name, own]) => [
      name,
      spread(own.perCpuSecond, 0),
      name === loop ? "1" : spread(ratios(own, figures.get(loop)), 2),
      spread(own.userMicros, 2),
      spread(own.systemMicros, 2),
      spread(own.perSecond, 0),
      `${Math.round(median(own.cpuShare) * 100)} %`,
    ]),
  );
}

function goalRows({ title, leastRatios }: Case, figures: Map<WsServerName, Figures>): string[][] {
  const own = figures.get(ours);
  if (!own) return [];
  return leastRatios.map(([peer, leastRatio]) => {
    const ratio = ratios(own, figures.get(peer));
    const verdict = median(ratio) >= leastRatio ? "met" : "**missed**";
    const label = peer === loop ? "the ws loop" : "socket.io with its Redis adapter";
    return [`${title}: at least ${leastRatio.toFixed(1)} times ${label}`, spread(ratio, 2), verdict];
  });
}

pinSelf(1);
const redis = await ownRedis();
try {
  const running: Running[] = [];
  for (const [database, name] of names.entries()) running.push(await start(name, redis.url(database)));
  const tables: string[] = [];
  const goals: string[][] = [];
  const coreShares = new Map<string, number[]>();
  for (const each of cases) {
    const figures = await measure(running, each);
    tables.push(`### ${each.title}\n\n${figuresTable(figures)}`);
    goals.push(...goalRows(each, figures));
    for (const [name, { cpuShare }] of figures) coreShares.set(`${name}, ${each.title}`, cpuShare);
    process.stderr.write(`${tables.at(-1)}\n\n`);
    for (const one of options.profile ? running : []) {
      const run = () => ticks(one, each.messagesPerTick, seconds);
      await profiled(one.server, `${one.name}, ${each.title}`, options.profile ?? "", run);
    }
  }
  for (const { server } of running) await server.stop();

  const packages = ["ws", "socket.io", "@socket.io/redis-adapter", "redis"];
  const markdown = [
    "## Messages to a group",
    `${new Date().toISOString().slice(0, 10)}, \`tsx bench/fan-out.ts ${process.argv.slice(2).join(" ")}\`: ` +
      `${connections} connections, messages of ${messageBytes} bytes, ${rounds} rounds of ${seconds} s, ` +
      "median (lowest–highest), ratios within a round.",
    "Goals are for deliveries per second of the server's own CPU time, because the clients, on the other core, take as " +
      "long as a server does. Deliveries per second of the clock count from a tick's first send to its last arrival. " +
      "A tick's messages are sent in one turn of the event loop.",
    machine(redis.version, packages),
    markdownTable(["goal", "figure", ""], goals),
    ...tables,
  ].join("\n\n");
  process.stdout.write(`${markdown}\n`);
  refuseDisturbed(coreShares);
  if (options.write) writeResults("fan-out", markdown);
} finally {
  await redis.stop();
}
