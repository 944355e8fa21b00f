import { setTimeout as delay } from "node:timers/promises";
import { createClient } from "redis";
import type { RedisServer } from "../../support/redis-server.ts";
import { type FieldNode, type Kind, LEASE_MS, type World } from "./world.ts";

/** A fault, and what is promised. */
export interface Fault {
  readonly name: string;
  readonly kind: Kind;
  /** What holds beside the guarantees, which hold always. */
  readonly promise: string;
  /** Milliseconds after its end in which all is right again. */
  readonly withinMs: number;
  run(world: World): Promise<void>;
}

const BACK = "all is right again";
const ANEW = "users log in anew, and all is right again";

/** Time in which a bus finds out that it is deaf and hears again, with some for a machine that has other things to do. */
const HEALS_WITHIN_MS = 20_000;

const one = ({ servers }: World): RedisServer => servers[0] as RedisServer;

async function repeated(forMs: number, everyMs: number, step: () => Promise<void>): Promise<void> {
  const until = Date.now() + forMs;
  while (Date.now() < until) {
    await step();
    await delay(everyMs);
  }
}

/** Takes a node out of those that get requests, as a proxy does whose health check fails. */
async function without(world: World, step: (node: FieldNode) => Promise<void>): Promise<void> {
  const node = world.nodes[0] as FieldNode;
  node.isOut = true;
  await step(node);
}

async function replaced(world: World, node: FieldNode): Promise<void> {
  await node.kill();
  world.nodes.splice(world.nodes.indexOf(node), 1);
  world.nodes.push(await world.startNode());
}

/** Moves slots as a reshard does that finds no keys in them: those of the first master, to the second. */
async function moveSlots({ servers }: World, from: number, to: number, count: number): Promise<void> {
  const clients = servers.map(({ url }) => createClient({ url }).on("error", () => {}));
  await Promise.all(clients.map((client) => client.connect()));
  const ids = await Promise.all(clients.map((client) => client.sendCommand(["CLUSTER", "MYID"])));
  for (let n = 0; n < count; n++) {
    const slot = String(n * 9);
    const keys = (await clients[from]?.sendCommand([
      "CLUSTER",
      "GETKEYSINSLOT",
      slot,
      "100",
    ])) as unknown as string[];
    await clients[to]?.sendCommand(["CLUSTER", "SETSLOT", slot, "IMPORTING", String(ids[from])]);
    await clients[from]?.sendCommand(["CLUSTER", "SETSLOT", slot, "MIGRATING", String(ids[to])]);
    const port = String(servers[to]?.port);
    if (keys.length > 0)
      await clients[from]?.sendCommand(["MIGRATE", "127.0.0.1", port, "", "0", "5000", "KEYS", ...keys]);
    for (const client of [clients[to], ...clients])
      await client?.sendCommand(["CLUSTER", "SETSLOT", slot, "NODE", String(ids[to])]);
  }
  for (const client of clients) client.destroy();
}

export const FAULTS: readonly Fault[] = [
  {
    name: "nothing",
    kind: "single",
    promise: "nothing is lost",
    withinMs: 2_000,
    run: () => delay(5_000),
  },
  {
    name: "Redis restarted, and empty",
    kind: "single",
    promise: ANEW,
    withinMs: HEALS_WITHIN_MS,
    run: (world) => one(world).restart(),
  },
  {
    name: "Redis stopped for 10 s, and empty",
    kind: "single",
    promise: ANEW,
    withinMs: HEALS_WITHIN_MS,
    async run(world) {
      await one(world).kill();
      await delay(10_000);
      await one(world).restart();
    },
  },
  {
    name: "Redis frozen for 10 s",
    kind: "single",
    promise: BACK,
    withinMs: HEALS_WITHIN_MS,
    async run(world) {
      one(world).pause();
      await delay(10_000);
      one(world).resume();
    },
  },
  {
    name: "FLUSHALL under load",
    kind: "single",
    promise: ANEW,
    withinMs: HEALS_WITHIN_MS + 30_000,
    run: (world) => world.command("FLUSHALL"),
  },
  {
    name: "SCRIPT FLUSH ten times a second",
    kind: "single",
    promise: BACK,
    withinMs: 2_000,
    run: (world) => repeated(5_000, 100, () => world.command("SCRIPT", "FLUSH")),
  },
  {
    name: "lines for commands killed five times a second",
    kind: "single",
    promise: BACK,
    withinMs: HEALS_WITHIN_MS,
    run: (world) => repeated(5_000, 200, () => world.command("CLIENT", "KILL", "TYPE", "normal")),
  },
  {
    name: "lines for pub/sub killed five times a second",
    kind: "single",
    promise: BACK,
    withinMs: HEALS_WITHIN_MS,
    run: (world) => repeated(5_000, 200, () => world.command("CLIENT", "KILL", "TYPE", "pubsub")),
  },
  {
    name: "Redis with its memory full for 5 s",
    kind: "single",
    promise: BACK,
    withinMs: HEALS_WITHIN_MS,
    async run(world) {
      await world.command("CONFIG", "SET", "maxmemory", "1");
      await delay(5_000);
      await world.command("CONFIG", "SET", "maxmemory", "0");
    },
  },
  ...["publish", "evalsha", "sismember", "subscribe", "getdel"].map(
    (command): Fault => ({
      name: `no right to ${command.toUpperCase()} for 5 s`,
      kind: "single",
      promise: BACK,
      withinMs: HEALS_WITHIN_MS,
      async run(world) {
        await world.command("ACL", "SETUSER", "default", `-${command}`);
        await delay(5_000);
        await world.command("ACL", "SETUSER", "default", "+@all");
      },
    }),
  ),
  {
    name: "a node killed",
    kind: "single",
    promise: BACK,
    withinMs: HEALS_WITHIN_MS,
    run: (world) => without(world, (node) => replaced(world, node)),
  },
  {
    name: "a node stopped for longer than its lease",
    kind: "single",
    promise: BACK,
    withinMs: HEALS_WITHIN_MS,
    run: (world) =>
      without(world, async (node) => {
        node.pause();
        await delay(2 * LEASE_MS + 2_000);
        node.resume();
        await delay(500);
        node.isOut = false;
      }),
  },
  {
    name: "a node whose event loop is blocked for 5 s",
    kind: "single",
    promise: BACK,
    withinMs: HEALS_WITHIN_MS,
    run: (world) =>
      without(world, async (node) => {
        await fetch(`${node.url}/block/5000`, { method: "POST" });
        await delay(5_500);
        node.isOut = false;
      }),
  },
  {
    name: "all nodes restarted, one after the other",
    kind: "single",
    promise: BACK,
    withinMs: HEALS_WITHIN_MS,
    async run(world) {
      for (const node of [...world.nodes]) {
        node.isOut = true;
        await replaced(world, node);
      }
    },
  },
  {
    name: "a cluster whose slots move under load",
    kind: "cluster",
    promise: BACK,
    withinMs: HEALS_WITHIN_MS,
    async run(world) {
      await moveSlots(world, 0, 1, 300);
      await moveSlots(world, 1, 2, 300);
      await moveSlots(world, 2, 0, 300);
    },
  },
  {
    name: "a master of a cluster restarted, and empty",
    kind: "cluster",
    promise: ANEW,
    withinMs: HEALS_WITHIN_MS + 30_000,
    run: async ({ servers }) => servers[1]?.restart(),
  },
  {
    name: "a master of a cluster frozen for 5 s",
    kind: "cluster",
    promise: BACK,
    withinMs: HEALS_WITHIN_MS,
    async run({ servers }) {
      servers[1]?.pause();
      await delay(5_000);
      servers[1]?.resume();
    },
  },
  {
    name: "lines for pub/sub to all masters killed five times a second",
    kind: "cluster",
    promise: BACK,
    withinMs: HEALS_WITHIN_MS,
    run: (world) => repeated(5_000, 200, () => world.command("CLIENT", "KILL", "TYPE", "pubsub")),
  },
];
