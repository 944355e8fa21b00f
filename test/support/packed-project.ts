import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { endWithThisProcess } from "./end-with-this-process.ts";
import { within } from "./within.ts";

/** The result of `node --test`. */
export interface TestRun {
  code: number | null;
  /** Its whole output. */
  output: string;
  /** The number of tests, skipped ones included. */
  tests: number;
  failed: number;
}

/** A project with this package as npm would publish it, and with the other packages that it names. */
export interface PackedProject {
  readonly folder: string;
  /** Copies a file there, and runs it by `node --test`. */
  test(file: string, env?: Record<string, string>): Promise<TestRun>;
  remove(): Promise<void>;
}

const root = resolve(".");
const runLimitMs = 240_000;

/** Packs the last build without a new one, because other tests use it. `npm test` builds first. */
export async function packedProject(): Promise<PackedProject> {
  await access(join(root, "dist/testing.js")).catch((cause) => {
    throw new Error("There is no dist to pack: npm run build", { cause });
  });
  const folder = await mkdtemp(join(tmpdir(), "session-stack-packed-"));
  const modules = join(folder, "node_modules");
  await mkdir(modules);
  const pack = ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder];
  const packed = await run("npm", pack, { cwd: root });
  if (packed.code !== 0) throw new Error(`npm pack has failed:\n${packed.output}`);
  const tarball = join(folder, packed.output.trim().split("\n").at(-1) as string);
  const unpacked = await run("tar", ["-xzf", tarball, "-C", folder], { cwd: folder });
  if (unpacked.code !== 0) throw new Error(`tar has failed:\n${unpacked.output}`);
  await symlink(join(folder, "package"), join(modules, "express-session-stack"));

  const { dependencies, peerDependencies } = JSON.parse(
    await readFile(join(root, "package.json"), "utf8"),
  ) as Record<string, Record<string, string>>;
  for (const name of Object.keys({ ...dependencies, ...peerDependencies })) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(root, "node_modules", name), join(modules, name));
  }
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module", private: true }));

  return {
    folder,
    async test(file, env = {}) {
      const name = basename(file);
      await copyFile(file, join(folder, name));
      const { NODE_OPTIONS: _, REDIS_URL: __, ...inherited } = process.env;
      const args = ["--test", "--test-reporter=tap", name];
      const { code, output } = await run(process.execPath, args, {
        cwd: folder,
        env: { ...inherited, ...env },
      });
      const count = (what: string) => Number(new RegExp(`^# ${what} (\\d+)$`, "m").exec(output)?.[1]);
      return { code, output, tests: count("tests"), failed: count("fail") };
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

async function run(
  command: string,
  args: string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv },
): Promise<{ code: number | null; output: string }> {
  const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  endWithThisProcess(child, await mkdtemp(join(tmpdir(), "session-stack-run-")));
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (text: Buffer) => {
      output += text;
    });
  }
  try {
    const [code] = (await within(once(child, "close"), runLimitMs, `end of ${command}`)) as [number | null];
    return { code, output };
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}
