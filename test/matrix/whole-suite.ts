import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Column } from "./columns.ts";
import { command, succeed } from "./command.ts";
import type { Outcome } from "./project.ts";

const installLimitMs = 600_000;
const runLimitMs = 3_600_000;

/** `redisBackend` refuses clusters and sentinels of node-redis 5. */
const NOT_ON_REDIS_5 = [
  "--testPathIgnorePatterns",
  "/node_modules/|/\\.generated/|cluster|sentinel",
  "-t",
  "^(?!.*([Cc]luster|[Ss]entinel))",
];

/** All of jest's tests in a copy of the repository that has the column's versions; `paths` are jest's. */
export async function runWholeSuite(
  { packages, server }: Column,
  node: string,
  folder: string,
  paths: readonly string[],
): Promise<Outcome> {
  const files = (await succeed("git", ["ls-files"], { cwd: ".", withinMs: installLimitMs }))
    .trim()
    .split("\n");
  for (const file of files) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await cp(file, join(folder, file));
  }
  const description = join(folder, "package.json");
  const project = JSON.parse(await readFile(description, "utf8")) as Record<string, Record<string, string>>;
  const { ws, express, ...peers } = packages as Record<"ws" | "express" | "redis", string>;
  project.dependencies = { ...project.dependencies, ws };
  project.devDependencies = { ...project.devDependencies, ...peers };
  // The tests run on both versions of Express. The example needs the newer one, which passes rejections on.
  const isExpress4 = /^\^?4\./.test(express);
  project.devDependencies[isExpress4 ? "express4" : "express"] = isExpress4
    ? `npm:express@${express}`
    : express;
  await writeFile(description, JSON.stringify(project));

  // The column's Node comes first for what scripts and tests start as `node`, its server for `redis-server`.
  const path = [dirname(node), dirname(server.binary), process.env.PATH].join(":");
  const { NODE_OPTIONS: _, REDIS_URL: __, ...inherited } = process.env;
  const options = { cwd: folder, env: { ...inherited, PATH: path } };
  await succeed("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error"], {
    ...options,
    withinMs: installLimitMs,
  });
  // Built with the newest types, as it is published.
  await cp("dist", join(folder, "dist"), { recursive: true });
  const isRedis5 = /^\^?5\./.test(peers.redis);
  const jest = ["node_modules/jest/bin/jest.js", ...paths, ...(isRedis5 ? NOT_ON_REDIS_5 : [])];
  const { code, output } = await command(node, jest, { ...options, withinMs: runLimitMs });
  const counts = /^Tests: .*$/m.exec(output)?.[0] ?? "no test has run";
  if (code === 0) return { passed: [`jest, ${counts}`], failed: [] };
  return { passed: [], failed: [{ check: `jest, ${counts}`, why: summaryOf(output) }] };
}

/** What jest says of the failed tests, once more at its end. */
function summaryOf(output: string): string {
  return output.slice(Math.max(output.lastIndexOf("Summary of all failing tests"), 0)).slice(0, 100_000);
}
