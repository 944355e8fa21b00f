import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endWithThisProcess } from "../support/end-with-this-process.ts";
import { within } from "../support/within.ts";

/** A process that runs requested work, and never outlives this one. */
export class Child {
  readonly #file: string;
  readonly #process: ChildProcess;
  readonly #ended: Promise<number | null>;
  readonly #waiting = new Map<number, (answer: { result: unknown; error?: string }) => void>();
  #asked = 0;

  static async start(file: string, env: Record<string, string>): Promise<Child> {
    const path = new URL(file, import.meta.url).pathname;
    const child = fork(path, {
      env: { ...process.env, ...env },
      execArgv: ["--import", "tsx", "--expose-gc"],
    });
    endWithThisProcess(child, await mkdtemp(join(tmpdir(), "session-stack-soak-")));
    return new Child(file, child);
  }

  private constructor(file: string, child: ChildProcess) {
    this.#file = file;
    this.#process = child;
    this.#ended = once(child, "exit").then(([code]) => code as number | null);
    child.on("message", ({ id, ...answer }: { id: number; result: unknown; error?: string }) => {
      this.#waiting.get(id)?.(answer);
      this.#waiting.delete(id);
    });
  }

  async ask<Result>(command: string, withinMs = 300_000): Promise<Result> {
    const id = ++this.#asked;
    const answer = new Promise<{ result: unknown; error?: string }>((resolve) =>
      this.#waiting.set(id, resolve),
    );
    this.#process.send({ id, command });
    const ended = this.#ended.then((code) => Promise.reject(new Error(`${this.#file} ended with ${code}`)));
    const what = `answer of ${this.#file} to ${command}`;
    const { result, error } = await within(Promise.race([answer, ended]), withinMs, what);
    if (error !== undefined) throw new Error(`${this.#file}, ${command}: ${error}`);
    return result as Result;
  }

  /** Whether it ends by itself, which it does when nothing keeps it running. */
  async endsWithin(ms: number): Promise<boolean> {
    this.#process.disconnect();
    const code = await within(this.#ended, ms, "end").catch(() => undefined);
    return code === 0;
  }
}

/** The other side of it. */
export function answerWith(commands: Readonly<Record<string, () => unknown>>): void {
  process.on("message", async ({ id, command }: { id: number; command: string }) => {
    try {
      process.send?.({ id, result: (await commands[command]?.()) ?? null });
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? error.stack : String(error) });
    }
  });
}
