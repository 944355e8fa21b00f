import type { Fault } from "./fault.ts";
import { FAULTS_OF_CLUSTERS } from "./faults/cluster.ts";
import { FAILOVERS } from "./faults/failovers.ts";
import { FAULTS_OF_NETWORKS } from "./faults/networks.ts";
import { FAULTS_OF_NODES } from "./faults/nodes.ts";
import { FAULTS_OF_REDIS } from "./faults/redis.ts";

/** All faults, in the order of docs/reliability.md. */
export const FAULTS: readonly Fault[] = [
  ...FAULTS_OF_REDIS,
  ...FAULTS_OF_NETWORKS,
  ...FAULTS_OF_NODES,
  ...FAULTS_OF_CLUSTERS,
  ...FAILOVERS,
];
