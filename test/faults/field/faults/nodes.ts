import { setTimeout as delay } from "node:timers/promises";
import { BACK, type Fault, HEALS_WITHIN_MS, repeated } from "../fault.ts";
import { type FieldNode, LEASE_MS, type World } from "../world.ts";

/** Sends a node no more requests, as a proxy does after a failed health check. */
async function without(world: World, step: (node: FieldNode) => Promise<void>): Promise<void> {
  const node = world.nodes[0] as FieldNode;
  node.isOut = true;
  await step(node);
}

async function replaced(world: World, node: FieldNode, env?: Record<string, string>): Promise<void> {
  node.isOut = true;
  await node.kill();
  world.nodes.splice(world.nodes.indexOf(node), 1);
  world.nodes.push(await world.startNode(env));
}

async function allReplaced(world: World): Promise<void> {
  for (const node of [...world.nodes]) await replaced(world, node);
}

function blocked(forMs: number): Fault {
  return {
    name: `a node whose event loop is blocked for ${forMs / 1000} s`,
    on: { redis: "single" },
    promise: BACK,
    withinMs: HEALS_WITHIN_MS,
    run: (world) =>
      without(world, async (node) => {
        await fetch(`${node.url}/block/${forMs}`, { method: "POST" });
        await delay(forMs + 500);
        node.isOut = false;
      }),
  };
}

/** Replaces a node by one with a wrong clock. */
function clockOff(name: string, offMs: number): Fault {
  return {
    name: `a node whose clock is ${name}`,
    on: { redis: "single" },
    promise: BACK,
    withinMs: HEALS_WITHIN_MS,
    async run(world) {
      await replaced(world, world.nodes[0] as FieldNode, { CLOCK_OFF_MS: String(offMs) });
      await delay(5_000);
    },
  };
}

/** Starts all nodes with another version of the package, and replaces them one by one. */
function twoVersions(folder: string): Fault {
  return {
    name: "all nodes replaced by those of another version, and back",
    on: { redis: "single" },
    promise: BACK,
    withinMs: HEALS_WITHIN_MS,
    async run(world) {
      for (const env of [{ PACKAGE: folder }, {}])
        for (const node of [...world.nodes]) {
          await replaced(world, node, env);
          await delay(2_000);
        }
    },
  };
}

/** Faults of nodes. */
export const FAULTS_OF_NODES: readonly Fault[] = [
  {
    name: "a node killed",
    on: { redis: "single" },
    promise: BACK,
    withinMs: HEALS_WITHIN_MS,
    run: (world) => without(world, (node) => replaced(world, node)),
  },
  {
    name: "a node stopped for longer than its lease",
    on: { redis: "single" },
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
  blocked(5_000),
  blocked(15_000),
  clockOff("an hour fast", 3_600_000),
  clockOff("an hour slow", -3_600_000),
  {
    name: "all nodes restarted, one after the other, for a minute",
    on: { redis: "single" },
    promise: BACK,
    withinMs: HEALS_WITHIN_MS,
    run: (world) => repeated(60_000, 0, () => allReplaced(world)),
  },
  ...(process.env.OTHER_PACKAGE ? [twoVersions(process.env.OTHER_PACKAGE)] : []),
];
