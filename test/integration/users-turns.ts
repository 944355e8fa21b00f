import { AsyncLocalStorage } from "node:async_hooks";
import type { Backend } from "../../lib/index.ts";
import type { SeededRandom } from "../support/random.ts";

interface Operation {
  readonly after: number;
  /** Of those that could go on, the highest does. */
  rank: number;
  isBegun: boolean;
  readonly waiting: (() => void)[];
  /** Called when it has come to its next turn. */
  moved(): void;
}

/** Calls of a backend that wait for their turn. */
const GATED = [
  "read",
  "write",
  "refresh",
  "remove",
  "expiries",
  "enter",
  "confirm",
  "extend",
  "removeRevoked",
  "revoke",
  "revokeOne",
  "entries",
];
/** How long is waited for an operation to come to its next turn: it may be waiting for another one's. */
const MOVING_LIMIT_MS = 2;

const current = new AsyncLocalStorage<Operation>();
const byLabel = new Map<string, Operation>();

/** Lets the calls to a backend wait, as if its server were slow, until the run that they belong to lets them go on. */
export function inTurns(backend: Backend): Backend {
  return { ...backend, sessions: gated(backend.sessions), sessionIndex: gated(backend.sessionIndex) };
}

/** Runs what a request or a message with this label does as part of its operation. */
export function asOperation(label: string | undefined, run: () => void): void {
  const operation = label === undefined ? undefined : byLabel.get(label);
  if (operation) current.run(operation, run);
  else run();
}

function gated<T extends object>(target: T): T {
  return new Proxy(target, {
    get(_, name) {
      const value = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      if (!GATED.includes(String(name))) return value.bind(target);
      return async (...args: unknown[]) => {
        await turn();
        const answer = await value.apply(target, args);
        // What it has read may be old when it goes on.
        if (name === "read") await turn();
        return answer;
      };
    },
  });
}

function turn(): Promise<void> | undefined {
  const operation = current.getStore();
  if (!operation) return undefined;
  return new Promise((resolve) => {
    operation.waiting.push(resolve);
    operation.moved();
  });
}

/**
 * Operations whose steps are taken in an order that a seed decides, across all that their nodes ask of the backend.
 *
 * In every other run any of them may take the next step. In the rest they have ranks, and the highest goes on
 * until it is moved to the end: so one stands still in the middle of its work while others do all of theirs
 * (after "A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", Burckhardt et al., 2010).
 */
export class Turns {
  readonly #random: SeededRandom;
  readonly #open = new Map<string, { operation: Operation; begin: () => Promise<void> }>();
  readonly #isRanked: boolean;
  #ended = 0;
  #lowest = 0;
  #wake: () => void = () => {};

  constructor(random: SeededRandom) {
    this.#random = random;
    this.#isRanked = random.chance(0.5);
  }

  /** Adds an operation, which begins when so many others have ended, or later. */
  add(label: string, after: number, begin: () => Promise<void>): void {
    const operation: Operation = {
      after,
      rank: this.#random.int(1000),
      isBegun: false,
      waiting: [],
      moved: () => this.#wake(),
    };
    byLabel.set(label, operation);
    this.#open.set(label, { operation, begin });
  }

  /** Takes one step after the other until all operations have ended; rejects with the first failure of one. */
  async run(): Promise<void> {
    const failures: unknown[] = [];
    while (this.#open.size > 0) {
      const labels = await this.#atTheirTurn();
      if (labels.length === 0) continue;
      const label = this.#isRanked ? this.#highest(labels) : this.#random.pick(labels);
      const { operation, begin } = this.#open.get(label) as { operation: Operation; begin(): Promise<void> };
      if (operation.isBegun) {
        operation.waiting.splice(this.#random.int(operation.waiting.length), 1)[0]?.();
        continue;
      }
      operation.isBegun = true;
      begin()
        .catch((error) => failures.push(error))
        .finally(() => {
          this.#open.delete(label);
          byLabel.delete(label);
          this.#ended++;
          this.#wake();
          // What it has left running in the background goes on by itself.
          for (const go of operation.waiting) go();
          operation.waiting.push = (go) => {
            (go as () => void)();
            return 0;
          };
        });
    }
    if (failures.length > 0) throw failures[0];
  }

  #highest(labels: readonly string[]): string {
    const rankOf = (label: string) => this.#open.get(label)?.operation.rank ?? 0;
    const label = labels.reduce((a, b) => (rankOf(b) > rankOf(a) ? b : a));
    const found = this.#open.get(label);
    if (found && this.#random.chance(0.15)) found.operation.rank = --this.#lowest;
    return label;
  }

  async #atTheirTurn(): Promise<string[]> {
    const since = Date.now();
    for (;;) {
      const open = [...this.#open];
      const ready = open.filter(([, { operation }]) =>
        operation.isBegun ? operation.waiting.length > 0 : operation.after <= this.#ended,
      );
      const isAnyMoving = open.some(
        ([, { operation }]) => operation.isBegun && operation.waiting.length === 0,
      );
      if (!isAnyMoving || (ready.length > 0 && Date.now() - since >= MOVING_LIMIT_MS))
        return ready.map(([label]) => label);
      await this.#nextMove();
    }
  }

  /** Until an operation has come to its turn or has ended; or for as long as is waited for one that moves. */
  #nextMove(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, MOVING_LIMIT_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
