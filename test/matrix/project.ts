import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { startRedisServer } from "../support/redis-server.ts";
import type { Column } from "./columns.ts";
import { command, succeed } from "./command.ts";
import { bundleProgram } from "./program-bundle.ts";

/** What the program has said. */
export interface Outcome {
  passed: string[];
  failed: { check: string; why: string }[];
}

const installLimitMs = 300_000;
const runLimitMs = 900_000;
const NPM = ["--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"];

/** Packs what `npm run build` has built, and gives the tarball. */
export async function packPackage(folder: string): Promise<string> {
  const args = ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder];
  const name = (await succeed("npm", args, { cwd: ".", withinMs: installLimitMs })).trim().split("\n").at(-1);
  return join(folder, basename(name as string));
}

/** Installs a Node, by the package that holds nothing else; `undefined` if the registry has none for this machine. */
export async function installNode(version: string, folder: string): Promise<string | undefined> {
  const name = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "package.json"), JSON.stringify({ private: true }));
  const args = ["install", ...NPM, `${name}@${version}`];
  const { code, output } = await command("npm", args, { cwd: folder, withinMs: installLimitMs });
  if (code !== 0 && /\b(E404|ETARGET|EBADPLATFORM)\b/.test(output)) return undefined;
  if (code !== 0) throw new Error(`npm could not install ${name}@${version}:\n${output}`);
  return join(folder, "node_modules", name, "bin/node");
}

/** A folder that has the package, and the column's versions of all others, with the program. */
export async function installColumn({ packages }: Column, tarball: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const project = {
    private: true,
    type: "module",
    dependencies: { ...packages, "express-session-stack": `file:${tarball}` },
    // The package's own ws is the one that the column names.
    overrides: { ws: "$ws" },
  };
  await writeFile(join(folder, "package.json"), JSON.stringify(project));
  await succeed("npm", ["install", ...NPM], { cwd: folder, withinMs: installLimitMs });
  await bundleProgram(folder);
}

/** The versions that are there, as npm has chosen them. */
export function installedVersions({ packages }: Column, folder: string): Record<string, string> {
  return Object.fromEntries(
    Object.keys(packages).map((name) => {
      const file = join(folder, "node_modules", name, "package.json");
      return [name, (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version];
    }),
  );
}

/** Runs the program on a server of its own. */
export async function runProgram({ server }: Column, node: string, folder: string): Promise<Outcome> {
  const redis = await startRedisServer({ binary: server.binary });
  const { NODE_OPTIONS: _, ...inherited } = process.env;
  const env = { ...inherited, REDIS_URL: redis.url, PREFIX: "matrix:", SECRET: "a secret of the matrix" };
  try {
    const { output, stdout } = await command(node, ["main.mjs"], { cwd: folder, env, withinMs: runLimitMs });
    const outcome = /^\{"passed":.*\}$/m.exec(stdout)?.[0];
    if (outcome) return JSON.parse(outcome) as Outcome;
    return { passed: [], failed: [{ check: "the program ends with an outcome", why: output }] };
  } finally {
    await redis.stop();
  }
}
