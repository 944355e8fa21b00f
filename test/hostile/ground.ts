import { constants, setPriority } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { eventually } from "../support/eventually.ts";
import { type NodeProcess, startNodeProcess } from "../support/node-process.ts";
import { connectRedis, type RedisClient, uniquePrefix } from "../support/redis-client.ts";
import type { NodeFigures } from "./node-figures.ts";
import { startWitness, type WitnessFigures } from "./witness.ts";

/** The allowed growth after an attack: caches and pools that have grown once. */
const MARGIN = { heapBytes: 24 * 2 ** 20, bufferBytes: 16 * 2 ** 20, openFiles: 8 } as const;
/** The longest wait of a well-behaved client, even on a slow machine. The target is reported and not asserted. */
const WORST_P99_MS = 10_000;
/** Whether figures are taken, which is so with many runs. */
const isMeasured = process.env.RUNS !== undefined;
/** The time for which others are watched before and after an attack. It is longer for figures. */
const QUIET_MS = isMeasured ? 5_000 : 300;

export interface GroundOptions {
  /** Options of `webSocketSessions` and of `realtime`. */
  readonly webSocket?: object;
  readonly realtime?: object;
  /** Failures of handlers that are expected, because their task is impossible. */
  readonly failures?: RegExp;
}

/** A node under attack, and a well-behaved client. */
export interface Ground {
  readonly url: string;
  readonly port: number;
  figures(): Promise<NodeFigures>;
  /** The cookie header of a user, who logs in. */
  logIn(user: string): Promise<string>;
  /** Runs an attack. Asserts that others are served meanwhile, and that everything is as before at the end. */
  endure(attack: () => Promise<unknown>): Promise<void>;
  /** Ends the node. Asserts that nothing of a connection is left. */
  close(): Promise<void>;
}

/** Starts a node on Redis and a witness, each in a separate process. */
export async function openGround({ webSocket, realtime, failures }: GroundOptions = {}): Promise<Ground> {
  const redis = await connectRedis();
  const prefix = uniquePrefix("hostile");
  const node = await startNodeProcess(join(__dirname, "node-main.ts"), {
    REDIS_URL: process.env.REDIS_URL as string,
    PREFIX: prefix,
    WEB_SOCKET: JSON.stringify(webSocket ?? {}),
    REALTIME: JSON.stringify(realtime ?? {}),
  });
  const witness = await startWitness(node.url);
  const figures = async () => (await (await fetch(`${node.url}/figures`)).json()) as NodeFigures;
  // The attackers are on the same machine, so they get a low priority.
  if (isMeasured) setPriority(process.pid, constants.priority.PRIORITY_LOW);

  async function endure(attack: () => Promise<unknown>): Promise<void> {
    await witness.look();
    await delay(QUIET_MS);
    const [quiet, before] = [await witness.look(), await figures()];
    await attack();
    const busy = await witness.look();
    const after = await eventually(async () => back(await figures(), before, failures), { withinMs: 30_000 });
    await eventually(() => expectOnly(redis, prefix, node, 1), { withinMs: 10_000 });
    if (isMeasured) tell([quiet, busy, await calm()], before, after);
    expect(busy.failures).toEqual([]);
    expect(busy.count).toBeGreaterThan(0);
    expect(busy.p99Ms).toBeLessThan(WORST_P99_MS);
  }

  async function calm(): Promise<WitnessFigures> {
    await witness.look();
    await delay(QUIET_MS);
    return witness.look();
  }

  async function close(): Promise<void> {
    try {
      await witness.stop();
      await eventually(async () => expect(await figures()).toMatchObject(NOBODY), { withinMs: 10_000 });
      await eventually(() => expectOnly(redis, prefix, node, 0), { withinMs: 10_000 });
    } finally {
      await node.kill();
      const keys = await redis.keys(`${prefix}*`);
      if (keys.length > 0) await redis.del(keys);
      redis.destroy();
    }
  }

  return {
    url: node.url,
    port: Number(new URL(node.url).port),
    figures,
    logIn: logInAt(node),
    endure,
    close,
  };
}

const NOBODY = {
  connections: 0,
  webSocket: { connections: 0, anonymousConnections: 0, bufferedBytes: 0 },
  realtime: { connections: 0, users: 0, groups: 0 },
};

/** Throws unless everything is as before. The witness is still connected. */
function back(now: NodeFigures, before: NodeFigures, failures: RegExp | undefined): NodeFigures {
  expect(now.told.unhandled).toEqual([]);
  expect(now.told.errors).toEqual([]);
  expect(now.told.failures.filter((failure) => !failures?.test(failure))).toEqual([]);
  expect(now.inherited).toBe(before.inherited);
  expect(now).toMatchObject({
    connections: 1,
    webSocket: { connections: 1, anonymousConnections: 0, bufferedBytes: 0 },
    realtime: { connections: 1, users: 1, groups: 0 },
  });
  // Values that clients choose are counted under a few names.
  expect(Object.keys(now.webSocket.closes).length).toBeLessThan(30);
  for (const what of ["heapBytes", "bufferBytes", "openFiles"] as const)
    if (now[what] > before[what] + MARGIN[what])
      throw new Error(`${what}: ${now[what]}, and ${before[what]} before`);
  return now;
}

/** Asserts that Redis has this number of connections, and no data of connections. */
async function expectOnly(
  redis: RedisClient,
  prefix: string,
  { id }: NodeProcess,
  count: number,
): Promise<void> {
  const names = (await redis.keys(`${prefix}session-stack:*`)).map((key) => key.slice(prefix.length));
  const ofUsers = names.filter((name) => /:user:.*:connections$/s.test(name));
  expect(ofUsers).toEqual(count > 0 ? ["session-stack:user:witness:connections"] : []);
  expect(names.filter((name) => name.endsWith(":data"))).toEqual([]);
  expect(Number(await redis.hLen(`${prefix}session-stack:node:${id}:connections`))).toBe(count);
}

function logInAt({ url }: NodeProcess): (user: string) => Promise<string> {
  return async (user) => {
    const answer = await fetch(`${url}/log-in`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ user }),
    });
    expect(answer.status).toBe(200);
    return answer.headers
      .getSetCookie()
      .map((line) => line.split(";", 1)[0])
      .join("; ");
  };
}

/** The figures of a run of many cases. */
function tell(
  [quiet, busy, calm]: readonly [WitnessFigures, WitnessFigures, WitnessFigures],
  before: NodeFigures,
  after: NodeFigures,
): void {
  const ms = ({ p50Ms, p99Ms, maxMs }: WitnessFigures) =>
    [p50Ms, p99Ms, maxMs].map((value) => value.toFixed(1)).join("/");
  const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  console.info(
    `${expect.getState().currentTestName}\n` +
      `others p50/p99/max: ${ms(quiet)} ms, under attack ${ms(busy)} ms, after it ${ms(calm)} ms, of ${busy.count}\n` +
      `heap ${mib(before.heapBytes)} → ${mib(after.heapBytes)} MiB, buffers ${mib(before.bufferBytes)} → ` +
      `${mib(after.bufferBytes)} MiB, resident ${mib(before.residentBytes)} → ${mib(after.residentBytes)} MiB, ` +
      `files ${before.openFiles} → ${after.openFiles}\n` +
      `handshakes ${JSON.stringify(after.webSocket.handshakes)}, closes ${JSON.stringify(after.webSocket.closes)}`,
  );
}
