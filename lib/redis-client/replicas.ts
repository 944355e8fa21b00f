import { inTime, unavailable } from "../calls/in-time.ts";
import { closeWith, letGo } from "./close-with-client.ts";
import { endClient, type OwnClient } from "./end-client.ts";
import { keyPrefixOf, type RedisClient } from "./redis-client.ts";

/** Milliseconds that WAIT waits for replicas, and milliseconds within which its answer must come. */
const WAIT_MS = 1_000;
const ANSWER_MS = 2 * WAIT_MS;

/** A client beside the app's. All members are node-redis's. */
interface Line extends OwnClient {
  connect(): Promise<unknown>;
  sendCommand(...args: unknown[]): Promise<unknown>;
  getNodeClientForKey?(key: string): Promise<Line>;
}

interface Opened {
  readonly client: Line;
  readonly up: Promise<unknown>;
  isUp: boolean;
}

/** A command whose answer is 0 once the change to its key is there. */
export type Claim = readonly [command: "EXISTS" | "SISMEMBER", key: string, ...rest: string[]];

interface Waiting {
  readonly claim: Claim;
  settle(failure?: unknown): void;
}

/**
 * Waits until replicas have a change, so that a failover cannot take it back.
 *
 * WAIT blocks everything behind it on its connection, so it has a connection of its own. Redis waits for what was
 * written before the connection's last command. So each WAIT comes right after a command that asks for the change to
 * confirm. This command also shows whether another server, which has never heard of the change, has taken over
 * meanwhile.
 */
export class Replicas {
  readonly #client: RedisClient;
  readonly #keyPrefix: string;
  readonly #count: number;
  #line: Opened | undefined;
  /** Claims by server. Those that arrive while the server's replicas are waited for share the next wait. */
  readonly #waiting = new Map<Line, Waiting[]>();
  readonly #withClient = { close: () => this.#drop() };
  #isClosed = false;

  constructor(client: RedisClient, count: number) {
    this.#client = client;
    this.#keyPrefix = keyPrefixOf(client);
    this.#count = count;
  }

  /**
   * Resolves once enough replicas have the change.
   *
   * @throws `ERR_STORE_UNAVAILABLE` if that is not known in time.
   */
  async confirm(claim: Claim): Promise<void> {
    const server = await inTime(this.#serverOf(claim[1]), ANSWER_MS).catch((error) => {
      throw unconfirmed(error);
    });
    await new Promise<void>((resolve, reject) => {
      const settle = (failure?: unknown) => (failure === undefined ? resolve() : reject(failure));
      const waiting = this.#waiting.get(server);
      if (waiting) waiting.push({ claim, settle });
      else {
        this.#waiting.set(server, [{ claim, settle }]);
        void this.#askAll(server);
      }
    });
  }

  /** Ends the connection. Nothing is confirmed any more. */
  close(): void {
    this.#isClosed = true;
    this.#drop();
  }

  /** Drops the connection. The next claim opens a new one. */
  #drop(): void {
    letGo(this.#client, this.#withClient);
    const line = this.#line;
    this.#line = undefined;
    if (line) endClient(line.client, line.isUp);
  }

  async #askAll(server: Line): Promise<void> {
    // Claims of one turn share one round.
    await Promise.resolve();
    for (;;) {
      const waiting = this.#waiting.get(server) ?? [];
      if (waiting.length === 0) break;
      this.#waiting.set(server, []);
      try {
        await inTime(this.#ask(server, waiting), ANSWER_MS);
      } catch (error) {
        for (const { settle } of waiting) settle(unconfirmed(error));
        // A connection that hangs would block all later claims.
        this.#drop();
      }
    }
    this.#waiting.delete(server);
  }

  async #ask(server: Line, waiting: readonly Waiting[]): Promise<void> {
    const send = (...command: string[]) =>
      "getMasterNode" in server ? server.sendCommand(false, command) : server.sendCommand(command);
    // All commands are sent together, so that they use one connection.
    const asked = waiting.map(({ claim: [command, key, ...rest] }) =>
      send(command, this.#keyPrefix + key, ...rest),
    );
    const reached = send("WAIT", String(this.#count), String(WAIT_MS));
    const answers = await Promise.allSettled([reached, ...asked]);
    const [count, ...are] = answers.map((answer) =>
      answer.status === "fulfilled" ? Number(answer.value) : Number.NaN,
    );
    const failed = answers.find((answer) => answer.status === "rejected");
    for (const [at, { settle }] of waiting.entries())
      settle(are[at] === 0 && Number(count) >= this.#count ? undefined : unconfirmed(failed?.reason));
  }

  /** Returns the connection to the server of a key. */
  async #serverOf(key: string): Promise<Line> {
    if (this.#isClosed) throw new Error("The backend is closed.");
    this.#line ??= this.#open();
    const { client, up } = this.#line;
    await up;
    return (await client.getNodeClientForKey?.(this.#keyPrefix + key)) ?? client;
  }

  #open(): Opened {
    // A sentinel distributes commands over its connections. WAIT must not use another connection than the commands
    // before it.
    const given = this.#client as unknown as { duplicate(options?: object): Line };
    const client = "getMasterNode" in given ? given.duplicate({ masterPoolSize: 1 }) : given.duplicate();
    // node-redis reconnects by itself. Without a listener its errors would end the process.
    client.on("error", () => {});
    closeWith(this.#client, this.#withClient);
    const line = { client, up: client.connect(), isUp: false };
    line.up.then(
      () => {
        line.isUp = true;
      },
      // The next claim tries again.
      () => {
        if (this.#line === line) this.#drop();
      },
    );
    return line;
  }
}

function unconfirmed(cause?: unknown): Error {
  return unavailable("has made this change, but did not confirm in time that its replicas have it", cause);
}
