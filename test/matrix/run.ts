/**
 * Tries the packed package with each version that it promises:
 * `npm run test:matrix -- [--only <part of a name>] [--all [--paths <of tests>]]`.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Column, columns } from "./columns.ts";
import { succeed } from "./command.ts";
import {
  installColumn,
  installedVersions,
  installNode,
  type Outcome,
  packPackage,
  runProgram,
} from "./project.ts";
import { servers } from "./servers.ts";
import { runWholeSuite } from "./whole-suite.ts";

const { values: options } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    all: { type: "boolean", default: false },
    paths: { type: "string", multiple: true, default: [] },
  },
});
const PACKAGES = ["express", "express-session", "redis", "connect-redis", "ws", "prom-client"];
const OUTERMOST = ["oldest of all", "newest of all"];

const place = await mkdtemp(join(tmpdir(), "session-stack-matrix-"));
const tarball = await packPackage(place);
const nodes = new Map<string, Promise<string | undefined>>();
let isFailed = false;

function nodeOf({ node }: Column): Promise<string | undefined> {
  const known = nodes.get(node) ?? installNode(node, join(place, `node-${node}`));
  nodes.set(node, known);
  return known;
}

async function attempt(column: Column, folder: string): Promise<{ versions: string[]; outcomes: Outcome[] }> {
  const node = await nodeOf(column);
  if (!node) return { versions: [`${column.node} is not to be had`], outcomes: [] };
  await installColumn(column, tarball, folder);
  const installed = installedVersions(column, folder);
  const version = (await succeed(node, ["--version"], { cwd: folder, withinMs: 30_000 })).trim().slice(1);
  const outcomes = [await runProgram(column, node, folder)];
  if (options.all && OUTERMOST.includes(column.name))
    outcomes.push(await runWholeSuite(column, node, join(folder, "repository"), options.paths));
  return {
    versions: [version, ...PACKAGES.map((name) => installed[name] ?? ""), column.server.name],
    outcomes,
  };
}

function row(name: string, versions: readonly string[], outcomes: readonly Outcome[]): string {
  const failed = outcomes.flatMap((outcome) => outcome.failed.map(({ check }) => check));
  const passed = outcomes.flatMap((outcome) => outcome.passed);
  const suites = passed.filter((check) => check.startsWith("jest, "));
  const verdict =
    failed.length > 0 ? `failed: ${failed.join("; ")}` : [`${passed.length} passed`, ...suites].join("; ");
  const cells = [name, ...versions, ...Array.from({ length: 8 - versions.length }, () => "")];
  return `| ${[...cells, outcomes.length === 0 ? "not tried" : verdict].join(" | ")} |`;
}

try {
  const chosen = columns(servers()).filter(({ name }) => name.includes(options.only));
  if (chosen.length === 0) throw new Error(`No column has "${options.only}" in its name.`);
  const head = ["", "Node", ...PACKAGES, "server", "outcome"];
  console.log(`| ${head.join(" | ")} |\n| ${head.map(() => "---").join(" | ")} |`);
  for (const [at, column] of chosen.entries()) {
    const folder = join(place, `column-${at}`);
    const { versions, outcomes } = await attempt(column, folder).catch((error: unknown) => ({
      versions: [],
      outcomes: [{ passed: [], failed: [{ check: "installing", why: String(error) }] }],
    }));
    console.log(row(column.name, versions, outcomes));
    for (const { check, why } of outcomes.flatMap(({ failed }) => failed)) {
      isFailed = true;
      console.error(`${column.name}, ${check}:\n${why}\n`);
    }
    await rm(folder, { recursive: true, force: true });
  }
} finally {
  await rm(place, { recursive: true, force: true });
}
process.exit(isFailed ? 1 : 0);
