/**
 * What a session costs an HTTP request, beside express-session with connect-redis and no session at all.
 *
 * Every server is a process with the first core to itself; the load and an own Redis share the second. The servers
 * take turns, round by round, so that what slows the machine for a while slows all of them.
 */
import { parseArgs } from "node:util";
import { pinSelf } from "./cores.ts";
import { httpLoad, type Load } from "./http-load.ts";
import { httpScenarios, type Scenario } from "./http-scenarios.ts";
import {
  type MeasuredServer,
  measuredServer,
  type ServerFigures,
  type ServerName,
  serverNames,
} from "./http-servers.ts";
import { machine } from "./machine.ts";
import { ownRedis } from "./redis.ts";
import { redisCommands } from "./redis-commands.ts";
import { markdownTable, median, spread, writeResults } from "./report.ts";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "4" },
    /** A part of the title of the scenarios to run. */
    only: { type: "string", default: "" },
    write: { type: "boolean", default: false },
  },
});
const rounds = Number(options.rounds);
const seconds = Number(options.seconds);
const warmUpSeconds = 2;
const sessions = 200;
const countedRequests = 2000;
/**
 * A server that got less of its core waited for others on the machine, and its figures are theirs. One request at once
 * fills no core: the server waits for Redis and for the load.
 */
const leastCoreShare = 0.9;

const peer: ServerName = "express-session";
const ours: ServerName = "express-session-stack";

const scenarios = httpScenarios.filter(({ title }) => title.includes(options.only));

interface Figures {
  requestsPerSecond: number[];
  p99Ms: number[];
  /** Share of its core that the server used. */
  cpuShare: number[];
  cpuMicrosPerRequest: number[];
  commands: Map<string, number>;
}

type ByServer<T> = Record<ServerName, T>;

async function eachServer<T>(
  produce: (name: ServerName, database: number) => Promise<T>,
): Promise<ByServer<T>> {
  const produced: Partial<ByServer<T>> = {};
  for (const [database, name] of serverNames.entries()) produced[name] = await produce(name, database);
  return produced as ByServer<T>;
}

async function logIn(url: string, size: string, sessions: number): Promise<string[]> {
  const cookies: string[] = [];
  for (let user = 0; user < sessions; user++) {
    const response = await fetch(`${url}/login/${size}?user=${user}`, { method: "POST" });
    if (!response.ok) throw new Error(`log in: ${response.status} ${await response.text()}`);
    cookies.push(response.headers.getSetCookie()[0]?.split(";")[0] ?? "session=none");
  }
  return cookies;
}

async function measure(
  { size, path, atOnce, nodes = 1 }: Scenario,
  redisUrl: (database: number) => string,
): Promise<ByServer<Figures>> {
  const servers = await eachServer((name, database) =>
    Promise.all(Array.from({ length: nodes }, () => measuredServer(name, redisUrl(database)))),
  );
  const loads = await eachServer(
    async (name): Promise<Load> => ({
      urls: servers[name].map(({ url }) => url + path),
      cookies: await logIn((servers[name][0] as MeasuredServer).url, size, atOnce ? 1 : sessions),
      ...(atOnce && { connections: atOnce }),
    }),
  );
  const figures = await eachServer(
    async (): Promise<Figures> => ({
      requestsPerSecond: [],
      p99Ms: [],
      cpuShare: [],
      cpuMicrosPerRequest: [],
      commands: new Map(),
    }),
  );

  await eachServer((name) => httpLoad({ ...loads[name], seconds: warmUpSeconds }));
  // Before the rounds: a pass that met the minute in which ours touches its sessions would be a matter of luck.
  await eachServer(async (name, database) => {
    const run = () => httpLoad({ ...loads[name], amount: countedRequests });
    figures[name].commands = await redisCommands(redisUrl(database), database, run);
  });
  for (let round = 0; round < rounds; round++) {
    await eachServer(async (name) => {
      const before = await figuresOf(servers[name]);
      const load = await httpLoad({ ...loads[name], seconds });
      const after = await figuresOf(servers[name]);
      const cpuMs = after.cpuMs - before.cpuMs;
      const own = figures[name];
      own.requestsPerSecond.push(load.requestsPerSecond);
      own.p99Ms.push(load.p99Ms);
      own.cpuShare.push((cpuMs * load.requestsPerSecond) / load.requests / 1000);
      own.cpuMicrosPerRequest.push((cpuMs * 1000) / (after.requests - before.requests));
    });
  }
  await eachServer((name) => Promise.all(servers[name].map((server) => server.stop())));
  return figures;
}

async function figuresOf(nodes: readonly MeasuredServer[]): Promise<ServerFigures> {
  const all = await Promise.all(nodes.map((node) => node.figures()));
  return {
    requests: all.reduce((sum, { requests }) => sum + requests, 0),
    cpuMs: all.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
  };
}

/** Of neighbours in time, so that a slow minute of the machine counts on both sides. */
function ratioToPeer(figures: ByServer<Figures>, name: ServerName): number[] {
  return figures[name].requestsPerSecond.map(
    (own, round) => own / (figures[peer].requestsPerSecond[round] ?? Number.NaN),
  );
}

function commandsPerRequest({ commands }: Figures): number {
  return [...commands.values()].reduce((sum, calls) => sum + calls, 0) / countedRequests;
}

function commandNames({ commands }: Figures): string {
  const names = [...commands].map(([name, calls]) => `${(calls / countedRequests).toFixed(2)} ${name}`);
  return names.length > 0 ? ` (${names.join(", ")})` : "";
}

function figuresTable(figures: ByServer<Figures>): string {
  return markdownTable(
    [
      "server",
      "requests/s",
      "to express-session",
      "p99 ms",
      "CPU us/request",
      "core used",
      "Redis commands/request",
    ],
    serverNames.map((name) => [
      name === peer ? `${name} + connect-redis` : name,
      spread(figures[name].requestsPerSecond, 0),
      name === peer ? "1" : spread(ratioToPeer(figures, name), 2),
      spread(figures[name].p99Ms, 1),
      spread(figures[name].cpuMicrosPerRequest, 0),
      `${Math.round(median(figures[name].cpuShare) * 100)} %`,
      commandsPerRequest(figures[name]).toFixed(2) + commandNames(figures[name]),
    ]),
  );
}

function goalRows({ title, leastRatio, mostCommands }: Scenario, figures: ByServer<Figures>): string[][] {
  const ratio = median(ratioToPeer(figures, ours));
  const commands = commandsPerRequest(figures[ours]);
  const verdict = (met: boolean) => (met ? "met" : "**missed**");
  const rows = [
    [
      `${title}: at least ${leastRatio} times express-session`,
      ratio.toFixed(2),
      verdict(ratio >= leastRatio),
    ],
  ];
  if (mostCommands !== undefined) {
    const met = verdict(commands <= mostCommands);
    rows.push([`${title}: at most ${mostCommands.toFixed(1)} Redis commands`, commands.toFixed(2), met]);
  }
  return rows;
}

pinSelf(1);
const redis = await ownRedis();
try {
  const tables: string[] = [];
  const goals: string[][] = [];
  const disturbed: string[] = [];
  for (const scenario of scenarios) {
    const figures = await measure(scenario, redis.url);
    tables.push(`### ${scenario.title}\n\n${figuresTable(figures)}`);
    goals.push(...goalRows(scenario, figures));
    for (const name of serverNames) {
      const isFilled = scenario.atOnce === 1 || median(figures[name].cpuShare) >= leastCoreShare;
      if (!isFilled) disturbed.push(`${name}, ${scenario.title}`);
    }
    process.stderr.write(`${tables.at(-1)}\n\n`);
  }

  const packages = ["express", "express-session", "connect-redis", "redis", "autocannon"];
  const markdown = [
    "## HTTP requests",
    `${new Date().toISOString().slice(0, 10)}, \`tsx bench/http.ts ${process.argv.slice(2).join(" ")}\`: ` +
      `${rounds} rounds of ${seconds} s, median (lowest–highest), ratios within a round.`,
    `Redis commands are counted over ${countedRequests} requests, a script as one; beside them, express-session-stack ` +
      "touches a session that is only read once a minute (`touchAfterMs`).",
    machine(redis.version, packages),
    markdownTable(["goal", "figure", ""], goals),
    ...tables,
  ].join("\n\n");
  process.stdout.write(`${markdown}\n`);
  if (disturbed.length > 0) {
    throw new Error(`not written, these servers did not get their core: ${disturbed.join("; ")}`);
  }
  if (options.write) writeResults("http", markdown);
} finally {
  await redis.stop();
}
