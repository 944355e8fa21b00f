/*
 * Runs connect-redis's own tests against RedisSessionStore, on a Redis of its own, beside the project:
 *
 *   npx tsx test/peers/connect-redis-suite.ts <folder of a checkout of tj/connect-redis>
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startRedisServer } from "../support/redis-server.ts";

/** The latest that runs on Node 20, and that the suite is written for. */
const VITEST = "vitest@^3.2.4";

const suite = "index_test.ts";
const root = resolve(import.meta.dirname, "../..");

/** What vitest's report has that is looked at. */
interface Report {
  numTotalTests: number;
  numPassedTests: number;
  testResults: {
    message: string;
    assertionResults: { fullName: string; status: string; failureMessages: string[] }[];
  }[];
}

/** The checkout's suite in a folder of its own, where the store that it imports is this project's. */
async function prepare(checkout: string, port: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "session-stack-connect-redis-"));
  await copyFile(join(checkout, suite), join(folder, suite));
  const store = JSON.stringify(join(root, "lib/redis.ts"));
  await writeFile(join(folder, "index.ts"), `export { RedisSessionStore as RedisStore } from ${store};\n`);
  await mkdir(join(folder, "testdata"));
  const server = [
    `export const port = "${port}";`,
    "export async function connect() {}",
    "export async function disconnect() {}",
  ];
  await writeFile(join(folder, "testdata/server.ts"), `${server.join("\n")}\n`);
  // The sessions of one test live for a second: a machine that stands still that long is given more tries.
  const config = { test: { include: [suite], testTimeout: 60_000, retry: 5 } };
  await writeFile(join(folder, "vitest.config.mjs"), `export default ${JSON.stringify(config)};\n`);
  await writeFile(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  return folder;
}

async function run(command: string, args: string[], cwd: string): Promise<number | null> {
  const child = spawn(command, args, { cwd, stdio: ["ignore", process.stderr, process.stderr] });
  const [code] = (await once(child, "close")) as [number | null];
  return code;
}

async function results(folder: string): Promise<Report> {
  const install = ["install", "--no-audit", "--no-fund", "--silent", VITEST];
  if ((await run("npm", install, folder)) !== 0) throw new Error(`npm could not install ${VITEST}`);
  for (const name of ["redis", "express-session"])
    await symlink(join(root, "node_modules", name), join(folder, "node_modules", name));
  const output = join(folder, "report.json");
  await run("npx", ["vitest", "run", "--reporter=json", `--outputFile=${output}`], folder);
  return JSON.parse(await readFile(output, "utf8")) as Report;
}

/** Prints what has failed and how many have passed; answers whether all have, and some were there. */
function tell({ numTotalTests, numPassedTests, testResults }: Report): boolean {
  for (const { message, assertionResults } of testResults) {
    if (message) console.log(message);
    for (const { fullName, status, failureMessages } of assertionResults)
      if (status !== "passed") console.log(`${status}: ${fullName}\n${failureMessages.join("\n")}`);
  }
  console.log(`${numPassedTests} of ${numTotalTests} passed`);
  return numTotalTests > 0 && numPassedTests === numTotalTests;
}

const checkout = process.argv[2];
if (checkout === undefined) throw new TypeError("Which folder? Pass that of a checkout of tj/connect-redis.");
await access(join(checkout, suite)).catch((cause: unknown) => {
  throw new Error(`${join(checkout, suite)} is missing: is this a checkout of tj/connect-redis?`, { cause });
});
const server = await startRedisServer();
const folder = await prepare(checkout, server.port);
try {
  if (!tell(await results(folder))) process.exitCode = 1;
} finally {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}
