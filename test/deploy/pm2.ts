import { execFile } from "node:child_process";
import { EventEmitter } from "node:events";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { endWithThisProcess } from "../support/end-with-this-process.ts";
import { installed } from "./installed.ts";

const VERSION = "7.0.4";

export interface Process {
  readonly pid: number;
  readonly status: string;
  readonly mode: string;
}

/** pm2 with a home, and a daemon, of its own. */
export class Pm2 {
  readonly #folder: string;
  readonly #remove: () => Promise<void>;
  readonly #env: NodeJS.ProcessEnv;
  readonly #daemon = new EventEmitter();

  private constructor(folder: string, remove: () => Promise<void>, env: Record<string, string>) {
    this.#folder = folder;
    this.#remove = remove;
    this.#env = { ...process.env, ...env, PM2_HOME: `${folder}/home` };
  }

  static async install(env: Record<string, string>): Promise<Pm2> {
    const { folder, remove } = await installed(`pm2@${VERSION}`);
    return new Pm2(folder, remove, env);
  }

  /** `pm2 …`; gives what it prints. */
  async run(cwd: string, ...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(process.execPath, [this.#bin, ...args], {
      cwd,
      env: this.#env,
      maxBuffer: 2 ** 26,
    });
    return stdout;
  }

  /** `pm2 start`, which leaves a daemon behind: it ends with this process, and its workers with it. */
  async start(cwd: string, file: string): Promise<void> {
    await this.run(cwd, "start", file);
    const pid = Number(await readFile(`${this.#folder}/home/pm2.pid`, "utf8"));
    endWithThisProcess(Object.assign(this.#daemon, { pid }), this.#folder);
  }

  async list(cwd: string): Promise<Process[]> {
    const text = await this.run(cwd, "jlist");
    const found = JSON.parse(text.slice(text.indexOf("["))) as {
      pid: number;
      pm2_env: { status: string; exec_mode: string };
    }[];
    return found.map(({ pid, pm2_env: { status, exec_mode } }) => ({
      pid,
      status,
      mode: exec_mode,
    }));
  }

  /** What pm2 itself has written: signals, exits, and kills. */
  log(): Promise<string> {
    return readFile(`${this.#folder}/home/pm2.log`, "utf8").catch(() => "");
  }

  async end(cwd: string): Promise<void> {
    await this.run(cwd, "kill");
    this.#daemon.emit("exit");
    await this.#remove();
  }

  get #bin(): string {
    return `${this.#folder}/node_modules/pm2/bin/pm2`;
  }
}
