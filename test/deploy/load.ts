import { Agent, type IncomingMessage, type RequestOptions } from "node:http";
import { Agent as TlsAgent } from "node:https";
import { json } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { type CookieJar, keepCookies } from "../support/cookie-jar.ts";
import { ask } from "./ask.ts";

export interface LoadOptions {
  /** Where the next line goes to. One that is open is kept as long as the server keeps it, as balancers do. */
  pick: () => string;
  ca?: Buffer;
  users: number;
}

/** Users who log in, and then keep a number in their session and read it, as fast as answers come. */
export class Load {
  requests = 0;
  readonly failed: string[] = [];
  readonly #options: LoadOptions;
  readonly #loops: Promise<void>[];
  #isStopped = false;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#loops = Array.from({ length: options.users }, (_, at) => this.#run(`user-${at}`));
  }

  /** Resolves once all have what they asked for. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#loops);
  }

  async #run(user: string): Promise<void> {
    const { pick, ca } = this.#options;
    const settings = { keepAlive: true, maxSockets: 1 };
    const agent = ca ? new TlsAgent({ ...settings, ca }) : new Agent(settings);
    const jar: CookieJar = new Map();
    let base: string | undefined;
    const call = async (method: string, path: string): Promise<unknown> => {
      this.requests++;
      base ??= pick();
      const to = base;
      const options: RequestOptions = { method, agent };
      try {
        const answer: IncomingMessage = await ask(`${to}${path}`, options, jar, (line) => {
          line.once("close", () => {
            base = undefined;
          });
        });
        if (answer.headers.connection === "close") base = undefined;
        keepCookies(jar, answer.headers["set-cookie"] ?? []);
        const body = await json(answer).catch(() => "no JSON");
        if (answer.statusCode === 200) return body;
        this.failed.push(`${method} ${path} at ${to}: ${answer.statusCode}`);
      } catch (error) {
        base = undefined;
        this.failed.push(`${method} ${path} at ${to}: ${(error as NodeJS.ErrnoException).code ?? error}`);
      }
      return undefined;
    };

    await call("POST", `/login/${user}`);
    for (let n = 1; !this.#isStopped; n++) {
      if (!(await call("POST", `/keep/${n}`))) continue;
      const me = (await call("GET", "/me")) as { user?: string; n?: number } | undefined;
      if (me && (me.user !== user || me.n !== n))
        this.failed.push(`${user} has kept ${n}, and was shown ${JSON.stringify(me)}`);
      await delay(5);
    }
    agent.destroy();
  }
}
