import { closeWith, letGo } from "./bus/close-with-client.ts";
import { endClient, type OwnClient } from "./end-client.ts";
import { keyPrefixOf, type RedisClient } from "./redis-client.ts";
import { unavailable, within } from "./sessions/within.ts";

/** Milliseconds that replicas are waited for, and the answer with them. */
const WAIT_MS = 1_000;
const ANSWER_MS = 2 * WAIT_MS;

/** A client beside the app's. All members are node-redis's. */
interface Line extends OwnClient {
  readonly isReady: boolean;
  connect(): Promise<unknown>;
  sendCommand(...args: unknown[]): Promise<unknown>;
  getNodeClientForKey?(key: string): Promise<Line>;
}

/** A question whose answer is 0 once what was written under its key is there. */
export type Claim = readonly [command: "EXISTS" | "SISMEMBER", key: string, ...rest: string[]];

interface Waiting {
  readonly claim: Claim;
  settle(failure?: unknown): void;
}

/**
 * Waits until replicas have what was written, so that a failover cannot take it back.
 *
 * WAIT holds up all that comes after it on its connection, so it has one of its own. Redis waits for what was written
 * before the connection's last command; so each WAIT comes right behind one that asks for what is to be confirmed, which
 * also tells if another server has taken over meanwhile that has never heard of it.
 */
export class Replicas {
  readonly #client: RedisClient;
  readonly #keyPrefix: string;
  readonly #count: number;
  #line: { readonly client: Line; readonly up: Promise<unknown> } | undefined;
  /** Those that come while replicas are waited for share the next wait. */
  #waiting: Waiting[] = [];
  #isAsking = false;
  readonly #withClient = { close: () => this.#drop() };
  #isClosed = false;

  constructor(client: RedisClient, count: number) {
    this.#client = client;
    this.#keyPrefix = keyPrefixOf(client);
    this.#count = count;
  }

  /** Resolves once enough replicas have what was written. @throws `ERR_STORE_UNAVAILABLE` if that is not known in time. */
  async confirm(claim: Claim): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const settle = (failure?: unknown) => (failure === undefined ? resolve() : reject(failure));
      this.#waiting.push({ claim, settle });
      if (!this.#isAsking) void this.#askAll();
    });
  }

  /** Ends the connection. Nothing is confirmed from then on. */
  close(): void {
    this.#isClosed = true;
    this.#drop();
  }

  /** The next that is to be confirmed makes a new one. */
  #drop(): void {
    letGo(this.#client, this.#withClient);
    const line = this.#line;
    this.#line = undefined;
    if (line) endClient(line.client, line.client.isReady);
  }

  async #askAll(): Promise<void> {
    this.#isAsking = true;
    // Those of one turn are asked for together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const waiting = this.#waiting;
      this.#waiting = [];
      try {
        await within(this.#ask(waiting), ANSWER_MS);
      } catch (error) {
        for (const { settle } of waiting) settle(unconfirmed(error));
        // What stands still would hold up all that come after.
        this.#drop();
      }
    }
    this.#isAsking = false;
  }

  async #ask(waiting: readonly Waiting[]): Promise<void> {
    const line = await this.#connected();
    const byServer = new Map<Line, Waiting[]>();
    for (const each of waiting) {
      const server = (await line.getNodeClientForKey?.(this.#keyPrefix + each.claim[1])) ?? line;
      byServer.set(server, [...(byServer.get(server) ?? []), each]);
    }
    await Promise.all([...byServer].map(([server, own]) => this.#askServer(server, own)));
  }

  async #askServer(server: Line, waiting: readonly Waiting[]): Promise<void> {
    const send = (...command: string[]) =>
      "getMasterNode" in server ? server.sendCommand(false, command) : server.sendCommand(command);
    // All in one go, so that they go by one connection.
    const asked = waiting.map(({ claim: [command, key, ...rest] }) =>
      send(command, this.#keyPrefix + key, ...rest),
    );
    const reached = send("WAIT", String(this.#count), String(WAIT_MS));
    const answers = await Promise.allSettled([reached, ...asked]);
    const [count, ...are] = answers.map((answer) =>
      answer.status === "fulfilled" ? Number(answer.value) : NaN,
    );
    const failed = answers.find(({ status }) => status === "rejected") as PromiseRejectedResult | undefined;
    for (const [at, { settle }] of waiting.entries())
      settle(are[at] === 0 && Number(count) >= this.#count ? undefined : unconfirmed(failed?.reason));
  }

  async #connected(): Promise<Line> {
    if (this.#isClosed) throw new Error("The backend is closed.");
    this.#line ??= this.#open();
    const { client, up } = this.#line;
    await up;
    return client;
  }

  #open(): { client: Line; up: Promise<unknown> } {
    // A sentinel shares its connections out: a WAIT must not come by another one.
    const given = this.#client as unknown as { duplicate(options?: object): Line };
    const client = "getMasterNode" in given ? given.duplicate({ masterPoolSize: 1 }) : given.duplicate();
    // node-redis reconnects by itself; without a listener its errors would end the process.
    client.on("error", () => {});
    closeWith(this.#client, this.#withClient);
    return { client, up: client.connect() };
  }
}

function unconfirmed(cause?: unknown): Error {
  return unavailable("has made this change, but did not say in time that its replicas have it", cause);
}
