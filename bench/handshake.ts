/**
 * What it costs to open a WebSocket with a session, beside ws with express-session and connect-redis, and socket.io.
 *
 * Every server is a process with the first core to itself; the clients and an own Redis share the second. The servers
 * take turns, round by round. Each connection is closed, by WebSocket's closing handshake, as soon as the server has
 * said that it is open. The server's CPU time counts until nothing more follows from the round: what a server puts off
 * is its cost all the same.
 */
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { pinSelf } from "./cores.ts";
import { inParallel } from "./in-parallel.ts";
import { machine } from "./machine.ts";
import { profiled } from "./profile.ts";
import { ownRedis } from "./redis.ts";
import { redisCommands } from "./redis-commands.ts";
import { markdownTable, median, refuseDisturbed, spread, writeResults } from "./report.ts";
import { type ServerProcess, serverProcess } from "./server-process.ts";
import { storeSessions, userIds } from "./stored-sessions.ts";
import { WsClient } from "./ws-client.ts";
import { type Command, type Cpu, dialectOf, type WsServerName } from "./ws-protocol.ts";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "3" },
    profile: { type: "string" },
    write: { type: "boolean", default: false },
  },
});
const rounds = Number(options.rounds);
const seconds = Number(options.seconds);
const warmUpSeconds = 3;
const users = 2000;
const atOnce = 50;
const countedHandshakes = 2000;
/** Longer than a user stays online who has gone. */
const settleMs = 6500;

const peer: WsServerName = "ws + express-session";
const socketIo: WsServerName = "socket.io";
/** Does what the peer does: nobody is registered anywhere. */
const sessionsOnly: WsServerName = "express-session-stack";
const ours: WsServerName = "express-session-stack + realtime";
const names: WsServerName[] = [peer, socketIo, sessionsOnly, ours];

interface Running {
  name: WsServerName;
  server: ServerProcess;
  cookies: string[];
  redisUrl: string;
  database: number;
}

interface Figures {
  perSecond: number[];
  perCpuSecond: number[];
  cpuShare: number[];
  commands: Map<string, number>;
}

async function start(name: WsServerName, redisUrl: string, database: number): Promise<Running> {
  const cookies = await storeSessions(redisUrl, userIds(users));
  const server = await serverProcess("./ws-server.ts", [name, redisUrl]);
  return { name, server, cookies, redisUrl, database };
}

/** Opens and closes connections, a bounded number at a time, for each of `cookies`. */
async function handshakes({ name, server }: Running, cookies: Iterable<string>): Promise<number> {
  const dialect = dialectOf(name);
  let count = 0;
  await inParallel(atOnce, cookies, async (cookie) => {
    const client = new WsClient({ port: server.port, dialect, cookie });
    await client.opened;
    count++;
    await client.close();
  });
  return count;
}

/** One user after the other, over and over, until the time is over. */
function* during(forSeconds: number, cookies: readonly string[]): Generator<string> {
  const end = performance.now() + forSeconds * 1000;
  for (;;) {
    for (const cookie of cookies) {
      if (performance.now() >= end) return;
      yield cookie;
    }
  }
}

function cpuMs({ userMs, systemMs }: Cpu): number {
  return userMs + systemMs;
}

async function measureRound(running: Running, own: Figures): Promise<void> {
  const { server, cookies } = running;
  const cpu = () => server.ask<Cpu>({ command: "cpu" } satisfies Command).then(cpuMs);
  const before = await cpu();
  const begin = performance.now();
  const count = await handshakes(running, during(seconds, cookies));
  const elapsedMs = performance.now() - begin;
  const busyMs = (await cpu()) - before;
  await delay(settleMs);
  const allMs = (await cpu()) - before;
  own.perSecond.push((count / elapsedMs) * 1000);
  own.perCpuSecond.push((count / allMs) * 1000);
  own.cpuShare.push(busyMs / elapsedMs);
}

async function measure(allRunning: Running[]): Promise<Map<WsServerName, Figures>> {
  const figures = new Map<WsServerName, Figures>();
  for (const running of allRunning) {
    await handshakes(running, during(warmUpSeconds, running.cookies));
    await delay(settleMs);
    const commands = await redisCommands(running.redisUrl, running.database, async () => {
      await handshakes(running, running.cookies.slice(0, countedHandshakes));
      await delay(settleMs);
    });
    figures.set(running.name, { perSecond: [], perCpuSecond: [], cpuShare: [], commands });
  }
  for (let round = 0; round < rounds; round++) {
    for (const running of allRunning) {
      const own = figures.get(running.name);
      if (own) await measureRound(running, own);
    }
  }
  for (const running of options.profile ? allRunning : []) {
    await profiled(running.server, `${running.name}, handshakes`, options.profile ?? "", async () => {
      await handshakes(running, during(seconds, running.cookies));
      await delay(settleMs);
    });
  }
  return figures;
}

/** Of neighbours in time, so that a slow minute of the machine counts on both sides. */
function ratios(own: readonly number[] = [], other: readonly number[] = []): number[] {
  return own.map((figure, round) => figure / (other[round] ?? Number.NaN));
}

function commandText(commands: Map<string, number>): string {
  const sum = [...commands.values()].reduce((total, calls) => total + calls, 0);
  const each = [...commands].map(([name, calls]) => `${(calls / countedHandshakes).toFixed(2)} ${name}`);
  return `${(sum / countedHandshakes).toFixed(2)} (${each.join(", ")})`;
}

function figuresTable(figures: Map<WsServerName, Figures>): string {
  return markdownTable(
    [
      "server",
      "handshakes/s",
      `to ${peer}`,
      "handshakes/CPU s",
      `to ${peer}`,
      "core used",
      "Redis commands/handshake",
    ],
    [...figures].map(([name, own]) => [
      name === peer ? `${name} + connect-redis` : name,
      spread(own.perSecond, 0),
      name === peer ? "1" : spread(ratios(own.perSecond, figures.get(peer)?.perSecond), 2),
      spread(own.perCpuSecond, 0),
      name === peer ? "1" : spread(ratios(own.perCpuSecond, figures.get(peer)?.perCpuSecond), 2),
      `${Math.round(median(own.cpuShare) * 100)} %`,
      commandText(own.commands),
    ]),
  );
}

function goalRows(figures: Map<WsServerName, Figures>): string[][] {
  const goals: [WsServerName, WsServerName, string, number][] = [
    [sessionsOnly, peer, "ws with express-session and connect-redis", 1],
    [ours, peer, "ws with express-session and connect-redis", 1],
    [ours, socketIo, "socket.io", 2],
  ];
  return goals.flatMap(([own, other, label, least]) =>
    (["perSecond", "perCpuSecond"] as const).map((per) => {
      const ratio = ratios(figures.get(own)?.[per], figures.get(other)?.[per]);
      const unit = per === "perSecond" ? "a second" : "a CPU second";
      const verdict = median(ratio) >= least ? "met" : "**missed**";
      return [`${own}, handshakes ${unit}: at least ${least} times ${label}`, spread(ratio, 2), verdict];
    }),
  );
}

pinSelf(1);
const redis = await ownRedis();
try {
  const running: Running[] = [];
  for (const [database, name] of names.entries())
    running.push(await start(name, redis.url(database), database));
  const figures = await measure(running);
  for (const { server } of running) await server.stop();

  const packages = [
    "ws",
    "socket.io",
    "@socket.io/redis-adapter",
    "express-session",
    "connect-redis",
    "redis",
  ];
  const markdown = [
    "## WebSocket handshakes",
    `${new Date().toISOString().slice(0, 10)}, \`tsx bench/handshake.ts ${process.argv.slice(2).join(" ")}\`: ` +
      `${users} users with a session each and in no group, ${atOnce} handshakes at a time, ${rounds} rounds of ${seconds} s, ` +
      "median (lowest–highest), ratios within a round.",
    "Each connection is closed as soon as it is open: with the 101 response, and with socket.io's answer to its own " +
      "connect packet. CPU time is the server's own and includes what it does for a user who has gone, until " +
      `${settleMs / 1000} s after a round; so do the Redis commands, counted over ${countedHandshakes} handshakes of as ` +
      "many users, a script as one, beside what a server sends once a second or so.",
    machine(redis.version, packages),
    markdownTable(["goal", "figure", ""], goalRows(figures)),
    figuresTable(figures),
  ].join("\n\n");
  process.stdout.write(`${markdown}\n`);
  refuseDisturbed(new Map([...figures].map(([name, { cpuShare }]) => [name, cpuShare])));
  if (options.write) writeResults("handshake", markdown);
} finally {
  await redis.stop();
}
