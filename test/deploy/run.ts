/**
 * Tries what docs/production.md gives for nginx, pm2 and Kubernetes, as it stands there:
 * `npm run test:deploy -- [--only nginx|pm2|kubernetes]`.
 */
import { parseArgs } from "node:util";
import { startRedisServer } from "../support/redis-server.ts";
import { tryKubernetes } from "./kubernetes-trial.ts";
import { tryNginx } from "./nginx-trial.ts";
import { tryPm2 } from "./pm2-trial.ts";
import { removeApp, writeApp } from "./project.ts";
import { Report } from "./report.ts";

const TRIALS = { nginx: tryNginx, pm2: tryPm2, kubernetes: tryKubernetes };
const { only } = parseArgs({ options: { only: { type: "string" } } }).values;
const chosen = Object.entries(TRIALS).filter(([name]) => only === undefined || name === only);
if (chosen.length === 0) throw new Error(`--only is one of ${Object.keys(TRIALS).join(", ")}`);

const report = new Report();
for (const [name, attempt] of chosen) {
  console.log(`\n${name}`);
  const redis = await startRedisServer();
  const folder = await writeApp();
  try {
    await attempt(report, folder, redis);
  } catch (error) {
    report.check(`${name} comes to its end`, false, String(error));
  } finally {
    await removeApp(folder);
    await redis.stop();
  }
}
process.exit(report.isGood ? 0 : 1);
