import { setImmediate as turn } from "node:timers/promises";
import { Node } from "../../../lib/bus/node/node.ts";
import type { History } from "../../../lib/history/history.ts";
import { type Backend, memoryBackend } from "../../../lib/index.ts";
import { redisBackend } from "../../../lib/redis.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import type { SeededRandom } from "../../support/random.ts";
import { connectRedis, type RedisClient, uniquePrefix } from "../../support/redis-client.ts";
import { afterThisTest, type Served, serve } from "../support.ts";
import type { Model } from "./model.ts";
import { loseMessages } from "./support.ts";

/** What a sequence of actions runs on. */
export interface Scenery {
  readonly maxMessages: number;
  /** How likely a read of the history fails. */
  readonly failures: number;
  /** Whether calls of the history take random times. */
  readonly isSlow: boolean;
}

/** A node of the app. */
export interface ModelNode extends Served {
  readonly backend: Backend;
  readonly clock: FakeClock;
  /** Whether the bus loses the kept messages for this node. */
  readonly line: { isDeaf: boolean };
  /** Breaks the bus of this node, if it has a line. */
  breakBus(): Promise<void>;
}

type Opened = Pick<ModelNode, "backend" | "breakBus">;

/** Opens two backends of one place. */
export const modelPlaces: { place: "memory" | "Redis"; open: () => Promise<Opened[]> }[] = [
  { place: "memory", open: async () => openMemory() },
  { place: "Redis", open: openRedis },
];

/** Two nodes that share the memory of this process. */
function openMemory(): Opened[] {
  const first = memoryBackend();
  const { bus } = first;
  afterThisTest(() => first.close());
  return [1, 2].map(() => {
    const own: Backend["bus"] = {
      publish: bus.publish.bind(bus),
      subscribe: bus.subscribe.bind(bus),
      unsubscribe: bus.unsubscribe.bind(bus),
      onReconnect() {},
      renewLease: bus.renewLease.bind(bus),
      dropLease: bus.dropLease.bind(bus),
      liveNodes: bus.liveNodes.bind(bus),
      async close() {},
    };
    const node = new Node(own);
    afterThisTest(() => node.close());
    return { backend: { ...first, bus: own, node, close: () => node.close() }, breakBus: async () => {} };
  });
}

async function openRedis(): Promise<Opened[]> {
  const prefix = uniquePrefix("model");
  const control = await connectRedis();
  afterThisTest(() => control.destroy());
  return Promise.all(
    [1, 2].map(async (number) => {
      const name = `${prefix}${number}`.replaceAll(":", "-");
      const client = await connectRedis(undefined, { name });
      afterThisTest(() => client.destroy());
      const backend = redisBackend({ client, prefix });
      afterThisTest(() => backend.close());
      return { backend: { ...backend }, breakBus: () => breakLines(control, name) };
    }),
  );
}

/** Ends the pub/sub connections of a client. The client makes them anew. */
async function breakLines(control: RedisClient, name: string): Promise<void> {
  const lines = String(await control.sendCommand(["CLIENT", "LIST", "TYPE", "PUBSUB"])).split("\n");
  for (const line of lines) {
    const id = /^id=(\d+)/.exec(line)?.[1];
    if (id && line.includes(` name=${name} `)) await control.sendCommand(["CLIENT", "KILL", "ID", id]);
  }
}

/** Serves the app on two nodes. A client asks for `post`, and does not get it back itself if it says so. */
export async function serveNodes(
  opened: readonly Opened[],
  model: Model,
  { scenery, random }: { scenery: Scenery; random: SeededRandom },
): Promise<ModelNode[]> {
  const { maxMessages } = scenery;
  return Promise.all(
    opened.map(async ({ backend: given, breakBus }) => {
      const history = watched(given.history as History, model, { scenery, random });
      const backend: Backend = Object.assign(given, { history });
      const line = loseMessages(backend, (message) => message.startsWith("kept "));
      const clock = new FakeClock();
      const served = await serve({
        backend,
        realtime: {
          history: { maxMessages },
          clock,
          inactivityThresholdSeconds: 1_000_000,
          maxMessagesPerSecond: 1_000_000,
        },
        setUp: (chat) => {
          chat.on("post", async (connection, { group, n, isAlone }) => {
            const target = chat.group(String(group));
            await (isAlone ? target.except(connection) : target).send("said", { n });
          });
        },
      });
      return { ...served, backend, clock, line, breakBus };
    }),
  );
}

/** A history that tells the model which number each message gets, and that may be slow, or fail. */
function watched(
  history: History,
  model: Model,
  { scenery, random }: { scenery: Scenery; random: SeededRandom },
): History {
  const wait = async () => {
    if (!scenery.isSlow) return;
    for (let turns = random.int(random.chance(0.1) ? 100 : 6); turns > 0; turns--) await turn();
  };
  async function slowly<T>(call: () => Promise<T>): Promise<T> {
    await wait();
    const answer = await call();
    await wait();
    return answer;
  }
  return {
    append: async (channel, message, limits) => {
      const position = await history.append(channel, message, limits);
      model.numbered(Number(/"n":(\d+)/.exec(message)?.[1]), position.offset);
      return position;
    },
    read: (channel, range) =>
      slowly(async () => {
        if (!model.isHealing && random.chance(scenery.failures))
          throw new Error("The history does not answer.");
        return history.read(channel, range);
      }),
    positions: (channels) => slowly(() => history.positions(channels)),
    enter: (channel, userId, seconds) => slowly(() => history.enter(channel, userId, seconds)),
    renew: (channel, epoch) => history.renew(channel, epoch),
    forget: (channel) => history.forget(channel),
  };
}
