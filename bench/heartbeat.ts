/**
 * What heartbeats cost a server that holds many connections, and what they have it ask of Redis.
 *
 * The server is a process with the first core to itself; the clients and an own Redis share the second. Its CPU time
 * while all clients beat, less that of as long a time in which none does, is what the beats cost: answering them,
 * writing last-seen times, and touching each session once a minute. Both times are whole periods of the protocol
 * pings, so that these are as many in one as in the other. A plain ws server that answers the beats, and keeps nothing,
 * shows what of it is ws, node and the kernel.
 */
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { pinSelf } from "./cores.ts";
import { machine } from "./machine.ts";
import { profiled } from "./profile.ts";
import { ownRedis } from "./redis.ts";
import { redisCommands } from "./redis-commands.ts";
import type { RedisWrites } from "./redis-writes.ts";
import { markdownTable, median, spread, writeResults } from "./report.ts";
import { type ServerProcess, serverProcess } from "./server-process.ts";
import { storeSessions, userIds } from "./stored-sessions.ts";
import { heartbeatFrame, WsClients } from "./ws-clients.ts";
import { type Command, type Cpu, dialectOf, type WsServerName } from "./ws-protocol.ts";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    connections: { type: "string", default: "10000" },
    profile: { type: "string" },
    write: { type: "boolean", default: false },
  },
});
const rounds = Number(options.rounds);
const connections = Number(options.connections);
const beatEverySeconds = 20;
/** A period of the protocol pings. */
const idleSeconds = 30;
/** Every client beats three times, and every session is touched once. */
const beatingSeconds = 60;
const countedSeconds = 20;
const mostCoreShare = 0.05;
const mostTripsPerTick = 1;

const floor: WsServerName = "ws";
const ours: WsServerName = "express-session-stack + realtime";

interface Running {
  server: ServerProcess;
  clients: WsClients;
}

/** Shares of a core, by round. */
interface Figures {
  idle: number[];
  beating: number[];
  microsPerBeat: number[];
}

/** Clients beat one after the other, evenly, and throws if one is not answered. */
async function beat({ clients }: Running, seconds: number): Promise<number> {
  const answered = clients.received;
  const begin = performance.now();
  const perMs = connections / (beatEverySeconds * 1000);
  let sent = 0;
  while (performance.now() - begin < seconds * 1000) {
    const due = Math.floor((performance.now() - begin) * perMs);
    for (; sent < due; sent++) clients.clients[sent % connections]?.send(heartbeatFrame);
    await delay(5);
  }
  await clients.arrivalOf(answered + sent);
  return sent;
}

async function coreShare<T>({ server }: Running, run: () => Promise<T>): Promise<[number, number, T]> {
  const cpuMs = async () => {
    const { userMs, systemMs } = await server.ask<Cpu>({ command: "cpu" } satisfies Command);
    return userMs + systemMs;
  };
  const [before, begin] = [await cpuMs(), performance.now()];
  const result = await run();
  const [usedMs, elapsedMs] = [(await cpuMs()) - before, performance.now() - begin];
  return [usedMs / elapsedMs, usedMs, result];
}

async function start(name: WsServerName, redisUrl: string): Promise<Running> {
  const cookies = await storeSessions(redisUrl, userIds(connections));
  const server = await serverProcess("./ws-server.ts", [name, redisUrl]);
  const clients = await WsClients.open(server, dialectOf(name), cookies);
  return { server, clients };
}

async function measure(running: Running): Promise<Figures> {
  const figures: Figures = { idle: [], beating: [], microsPerBeat: [] };
  await beat(running, beatEverySeconds);
  for (let round = 0; round < rounds; round++) {
    const [idle] = await coreShare(running, () => delay(idleSeconds * 1000));
    const [beating, usedMs, beats] = await coreShare(running, () => beat(running, beatingSeconds));
    figures.idle.push(idle);
    figures.beating.push(beating);
    figures.microsPerBeat.push(((usedMs - idle * beatingSeconds * 1000) / beats) * 1000);
  }
  return figures;
}

function ofBeats({ idle, beating }: Figures): number[] {
  return beating.map((share, round) => share - (idle[round] ?? Number.NaN));
}

function percent(shares: readonly number[]): string {
  return `${spread(
    shares.map((share) => share * 100),
    2,
  )} %`;
}

interface Asked {
  writes: RedisWrites;
  /** By command, a second. */
  idle: string;
  beating: string;
}

/** In passes of their own, because these counts have their price. */
async function askedOfRedis(running: Running, redisUrl: string, database: number): Promise<Asked> {
  const commands = async (run: () => Promise<unknown>) =>
    [...(await redisCommands(redisUrl, database, run))]
      .map(([name, calls]) => `${(calls / countedSeconds).toFixed(1)} ${name}`)
      .join(", ");
  const beating = await commands(() => beat(running, countedSeconds));
  await running.server.ask({ command: "countRedisWrites" } satisfies Command);
  await beat(running, countedSeconds);
  const writes = await running.server.ask<RedisWrites>({ command: "redisWrites" } satisfies Command);
  const idle = await commands(() => delay(countedSeconds * 1000));
  return { writes, idle, beating };
}

pinSelf(1);
const redis = await ownRedis();
try {
  const plain = await start(floor, redis.url(0));
  const plainFigures = await measure(plain);
  await plain.server.stop();

  const running = await start(ours, redis.url(1));
  const figures = await measure(running);
  const { writes, idle, beating } = await askedOfRedis(running, redis.url(1), 1);
  if (options.profile)
    await profiled(running.server, "heartbeats", options.profile, () => beat(running, countedSeconds));
  await running.server.stop();

  const share = ofBeats(figures);
  const tripsPerTick = writes.lastSeenTrips / countedSeconds;
  const verdict = (met: boolean) => (met ? "met" : "**missed**");
  const markdown = [
    "## Heartbeats",
    `${new Date().toISOString().slice(0, 10)}, \`tsx bench/heartbeat.ts ${process.argv.slice(2).join(" ")}\`: ` +
      `${connections} connections, each of which beats every ${beatEverySeconds} s, ${connections / beatEverySeconds} beats a second, ` +
      `${rounds} rounds of ${idleSeconds} s without and ${beatingSeconds} s with them, median (lowest–highest).`,
    machine(redis.version, ["ws", "redis"]),
    markdownTable(
      ["goal", "figure", ""],
      [
        [
          `${connections} connections: beats take at most ${mostCoreShare * 100} % of a core`,
          percent(share),
          verdict(median(share) <= mostCoreShare),
        ],
        [
          `last-seen times: at most ${mostTripsPerTick} round trip a tick of 1 s`,
          tripsPerTick.toFixed(2),
          verdict(tripsPerTick <= mostTripsPerTick),
        ],
      ],
    ),
    markdownTable(
      ["server", "core without beats", "core with beats", "of beats", "CPU us/beat"],
      [
        [`${floor}, answering only`, plainFigures],
        [ours, figures],
      ].map(([name, own]) => [
        String(name),
        percent((own as Figures).idle),
        percent((own as Figures).beating),
        percent(ofBeats(own as Figures)),
        spread((own as Figures).microsPerBeat, 0),
      ]),
    ),
    `Commands to Redis a second, over ${countedSeconds} s by MONITOR: ${beating} with beats; ${idle} without. ` +
      `Counted in the server over as long, last-seen times left in ${(writes.lastSeen / countedSeconds).toFixed(2)} writes a second, ` +
      "one right after the other: node-redis cuts what it sends into pieces of 16 KiB and waits for no answer between them, " +
      "so those of one tick are taken for one round trip.",
  ].join("\n\n");
  process.stdout.write(`${markdown}\n`);
  if (options.write) writeResults("heartbeat", markdown);
} finally {
  await redis.stop();
}
