import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endWithThisProcess } from "../support/end-with-this-process.ts";
import { within } from "../support/within.ts";

export interface CommandOptions {
  cwd: string;
  env?: NodeJS.ProcessEnv;
  withinMs: number;
}

export interface CommandEnd {
  code: number | null;
  /** All that it has written. */
  output: string;
  /** Of that, what went to stdout. */
  stdout: string;
}

/** Runs a command, which never outlives this process. */
export async function command(
  name: string,
  args: readonly string[],
  { withinMs, ...options }: CommandOptions,
): Promise<CommandEnd> {
  const child = spawn(name, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  endWithThisProcess(child, await mkdtemp(join(tmpdir(), "session-stack-command-")));
  let [stdout, output] = ["", ""];
  child.stdout.on("data", (text: Buffer) => {
    stdout += text;
    output += text;
  });
  child.stderr.on("data", (text: Buffer) => {
    output += text;
  });
  try {
    const [code] = await within(once(child, "close"), withinMs, `end of ${name}`);
    return { code, output, stdout };
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

export async function succeed(
  name: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<string> {
  const { code, output, stdout } = await command(name, args, options);
  if (code !== 0) throw new Error(`${name} ${args.join(" ")} has failed:\n${output}`);
  return stdout;
}
