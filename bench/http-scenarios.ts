/** One kind of request, and what it is to reach. */
export interface Scenario {
  title: string;
  size: "small" | "large";
  path: "/read" | "/modify";
  /** Requests of one and the same session at once; without it, each connection has sessions of its own. */
  atOnce?: number;
  /** Nodes that share the load and the first core. @default 1 */
  nodes?: number;
  /** Requests per second, as a multiple of the peer's in the same run. */
  leastRatio: number;
  mostCommands?: number;
}

export const httpScenarios: Scenario[] = [
  { title: "read only, small session", size: "small", path: "/read", leastRatio: 1.25, mostCommands: 1 },
  { title: "read only, 10 KB session", size: "large", path: "/read", leastRatio: 1.8, mostCommands: 1 },
  { title: "modifying, small session", size: "small", path: "/modify", leastRatio: 1 },
  ...[1, 4, 16, 64, 256].map((atOnce) => ofOneSession(atOnce)),
  ...[4, 16, 64, 256].map((atOnce) => ofOneSession(atOnce, { nodes: 2 })),
  ofOneSession(64, { size: "large" }),
];
/** A page with many parallel calls, or a load tool with one cookie. */
function ofOneSession(
  atOnce: number,
  { nodes = 1, size = "small" }: { nodes?: number; size?: Scenario["size"] } = {},
): Scenario {
  const title = `one ${size === "small" ? "" : "10 KB "}session, ${atOnce} at once`;
  return {
    title: nodes === 1 ? title : `${title}, ${nodes} nodes`,
    size,
    path: "/modify",
    atOnce,
    nodes,
    leastRatio: nodes === 1 ? 1 : 0.8,
    mostCommands: 4,
  };
}
