import { AsyncLocalStorage } from "node:async_hooks";
import type { Backend } from "../../lib/index.ts";
import type { SeededRandom } from "../support/random.ts";

interface Operation {
  readonly after: number;
  /** Of the operations that could continue, the highest rank does. */
  rank: number;
  isBegun: boolean;
  readonly waiting: (() => void)[];
  /** Called when the operation reaches its next turn. */
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
/** The longest wait for an operation's next turn. The operation may wait for another one. */
const MOVING_LIMIT_MS = 2;

const current = new AsyncLocalStorage<Operation>();
const byLabel = new Map<string, Operation>();

/** Delays the calls to a backend, as if its server were slow, until their run lets them continue. */
export function inTurns(backend: Backend): Backend {
  return { ...backend, sessions: gated(backend.sessions), sessionIndex: gated(backend.sessionIndex) };
}

/** Runs the work of a request or message with this label as part of its operation. */
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
        // The data that it has read may be old when it continues.
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
 * Operations whose steps run in an order that a seed decides. A step is a call of their nodes to the backend.
 *
 * In every other run any operation may take the next step. In the other runs they have ranks, and the highest continues
 * until it is moved to the end. So one operation stands still in the middle of its work while others finish theirs
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

  /** Adds an operation, which begins after this number of others have ended. */
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

  /** Takes steps until all operations have ended. Rejects with the first failure. */
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
          // Work that an operation has left in the background continues by itself.
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

  /** Waits until an operation reaches its turn or ends, or until the longest wait is over. */
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
