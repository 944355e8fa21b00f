import { execFile } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import type { RedisServer } from "../support/redis-server.ts";
import { ask } from "./ask.ts";
import { judge, whereabouts } from "./judge.ts";
import { type Deployment, deployment } from "./kubernetes.ts";
import { Load } from "./load.ts";
import { endNode, freePort, type Node, startNode, stopMs } from "./project.ts";
import type { Report } from "./report.ts";
import { visit } from "./visitor.ts";

/** Until balancers have heard that a pod ends; less than `preStop` waits. */
const HEARD_AFTER_MS = 3_000;

/** What a cluster does to pods, on processes: `preStop`, SIGTERM, and SIGKILL when the time is over. */
export async function tryKubernetes(report: Report, folder: string, redis: RedisServer): Promise<void> {
  const docs = await deployment();
  checkFields(report, docs);
  const nodes: Node[] = [];
  const endpoints: Node[] = [];
  const startPod = async () => {
    const node = await startNode({ folder, port: await freePort(), env: { REDIS_URL: redis.url } });
    nodes.push(node);
    const { statusCode } = await ask(`${node.url}${docs.readiness.path}`, { agent: false });
    report.same("a pod that has started is ready", statusCode, 200);
    endpoints.push(node);
  };
  try {
    for (let at = 0; at < docs.replicas; at++) await startPod();
    let turn = 0;
    const pick = () => endpoints[turn++ % endpoints.length]?.url ?? "";
    const names = Array.from({ length: 12 }, (_, at) => `visitor-${at}`);
    const page = { origin: "http://app.example.com", host: "app.example.com" };
    const visitors = await Promise.all(names.map((user) => visit({ user, pick, ...page })));
    const load = new Load({ pick, users: 6 });
    const leaving = nodes[0] as Node;
    const held = [...(await whereabouts(visitors)).values()].filter((pid) => pid === leaving.child.pid);
    report.check("the pod that ends has connections", held.length > 0, held.length);
    // One more before one ends, as a rolling update does.
    await startPod();
    await endPod(report, docs, leaving, endpoints);
    await judge(report, load, visitors);
    for (const { client } of visitors) client.close();
  } finally {
    for (const node of nodes) await endNode(node);
  }
}

function checkFields(report: Report, docs: Deployment): void {
  const { preStop, graceMs, readiness, containerPort, labels } = docs;
  const [command, seconds] = preStop;
  const needed = Number(seconds) * 1_000 + stopMs;
  report.check("preStop and stop() fit in the time", command === "sleep" && needed < graceMs, {
    needed,
    graceMs,
  });
  report.same("the probe asks the container's port", readiness.port, containerPort);
  report.same("the selector selects the pods", labels.selected, labels.given);
  report.check("the nodes are told where Redis is", "REDIS_URL" in docs.env, docs.env);
}

async function endPod(report: Report, docs: Deployment, pod: Node, endpoints: Node[]): Promise<void> {
  const began = performance.now();
  const sinceMs = () => Math.round(performance.now() - began);
  const kill = setTimeout(() => pod.child.kill("SIGKILL"), docs.graceMs);
  const heard = delay(HEARD_AFTER_MS).then(() => endpoints.splice(endpoints.indexOf(pod), 1));
  const [command = "", ...args] = docs.preStop;
  await promisify(execFile)(command, args);
  await heard;
  pod.child.kill("SIGTERM");
  await delay(500);
  const { statusCode } = await ask(`${pod.url}${docs.readiness.path}`, { agent: false });
  report.same("a pod that ends is not ready", statusCode, 503);
  const how = await pod.ended;
  clearTimeout(kill);
  report.check("it ends by itself, before SIGKILL", how === 0, {
    code: how,
    ms: sinceMs(),
    graceMs: docs.graceMs,
  });
  if (pod.log() !== "listens\n") console.log(pod.log());
}
