import { readFileSync } from "node:fs";
import type { Server } from "./servers.ts";

/** One run: versions as npm takes them, and the server. */
export interface Column {
  readonly name: string;
  /** Of Node, such as `22` for the newest of it. */
  readonly node: string;
  readonly packages: Readonly<Record<string, string>>;
  readonly server: Server;
}

const { dependencies, peerDependencies, engines } = JSON.parse(readFileSync("package.json", "utf8")) as {
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  engines: { node: string };
};
const RANGES: Readonly<Record<string, string>> = { ...peerDependencies, ws: dependencies.ws as string };

/** The first version that a range like `^5.12.0 || ^6.1.0` allows. */
function oldestOf(range: string): string {
  const version = /\d+\.\d+\.\d+/.exec(range)?.[0];
  if (!version) throw new Error(`No version begins the range ${range}.`);
  return version;
}

const newestOf = (range: string): string => range.split("||").at(-1)?.trim() as string;
const OLDEST = Object.fromEntries(Object.entries(RANGES).map(([name, range]) => [name, oldestOf(range)]));
const NEWEST = Object.fromEntries(Object.entries(RANGES).map(([name, range]) => [name, newestOf(range)]));

const OLDEST_NODE = /[\d.]+$/.exec(engines.node)?.[0] as string;
const NEWEST_NODE = "26";
/** The newest connect-redis that runs on Node 20. */
const FOR_NODE_20 = { "connect-redis": "^9.0.0" };

/** Everything that is promised: each version of one thing beside the newest of all others, and the two ends. */
export function columns(servers: readonly [Server, ...Server[]]): Column[] {
  const [server, ...others] = servers;
  const column = (name: string, packages: Record<string, string> = {}, node = NEWEST_NODE): Column => ({
    name,
    node,
    packages: { ...NEWEST, ...packages },
    server,
  });
  return [
    column("oldest of all", OLDEST, `${OLDEST_NODE}.0`),
    column("newest of all"),
    column("Node 20", FOR_NODE_20, OLDEST_NODE),
    column("Node 22", {}, "22"),
    column("Node 24", {}, "24"),
    column("Express 4.18", { express: OLDEST.express as string }),
    column("Express 4", { express: "^4.18.0" }),
    column("redis 5, oldest", { redis: OLDEST.redis as string }),
    column("redis 5", { redis: "^5.12.0" }),
    column("redis 6.1", { redis: "6.1.0" }),
    column("connect-redis 9", { "connect-redis": "^9.0.0" }),
    column("express-session 1.18", { "express-session": OLDEST["express-session"] as string }),
    column("ws, oldest", { ws: OLDEST.ws as string }),
    column("prom-client, oldest", { "prom-client": OLDEST["prom-client"] as string }),
    ...others.map((other) => ({ ...column(`on ${other.name}`), server: other })),
  ];
}
