import { setTimeout as delay } from "node:timers/promises";
import type { TcpProxy } from "../../../support/tcp-proxy.ts";
import { BACK, type Fault, HEALS_WITHIN_MS, repeated } from "../fault.ts";
import type { FieldNode, World } from "../world.ts";

const proxies = ({ nodes }: World): TcpProxy[] => nodes.flatMap(({ proxy }) => proxy ?? []);

function forAll(world: World, change: (proxy: TcpProxy) => void): void {
  for (const proxy of proxies(world)) change(proxy);
}

/** Cuts one node off from its Redis in one direction. The other nodes serve the requests. */
function cutOneWay(way: "there" | "back"): Fault["run"] {
  return async ({ nodes }) => {
    const node = nodes[0] as FieldNode;
    node.isOut = true;
    if (node.proxy) node.proxy[way].isHeld = true;
    await delay(8_000);
    node.proxy?.heal();
    await delay(500);
    node.isOut = false;
  };
}

const on = { redis: "single", isProxied: true } as const;

/** Faults between nodes and a Redis. */
export const FAULTS_OF_NETWORKS: readonly Fault[] = [
  {
    name: "answers of Redis 1.5 s late, for 6 s",
    on,
    promise: BACK,
    withinMs: HEALS_WITHIN_MS,
    async run(world) {
      forAll(world, ({ back }) => Object.assign(back, { delayMs: 1_500 }));
      await delay(6_000);
      forAll(world, (proxy) => proxy.heal());
    },
  },
  {
    name: "answers of Redis cut in the middle, with their line, five times a second",
    on,
    promise: BACK,
    withinMs: HEALS_WITHIN_MS,
    run: (world) =>
      repeated(5_000, 200, async () =>
        forAll(world, ({ back }) => Object.assign(back, { breaksNext: true })),
      ),
  },
  {
    name: "a node cut off from Redis for 8 s: what it sends",
    on,
    promise: BACK,
    withinMs: HEALS_WITHIN_MS,
    run: cutOneWay("there"),
  },
  {
    name: "a node cut off from Redis for 8 s: what it is sent",
    on,
    promise: BACK,
    withinMs: HEALS_WITHIN_MS,
    run: cutOneWay("back"),
  },
];
