import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as delay } from "node:timers/promises";
import type { Backend } from "../../lib/index.ts";

/**
 * What becomes of one call. It takes effect, and its answer comes late, never, or as an error; or it does not, and is an
 * error.
 */
export type FaultKind = "late" | "lost" | "cut" | "refused";

export const FAULT_KINDS: readonly FaultKind[] = ["late", "lost", "cut", "refused"];

/** One operation of a program, and the fault of one of its calls to the backend, counted from 0. */
export interface Operation {
  /** What it is, and how it was answered. */
  name: string;
  readonly fault: { readonly at: number; readonly kind: FaultKind } | undefined;
  calls: number;
  /** Which call it was. */
  hit?: string;
}

/** The calls that may fail, by the part of the backend. */
const CALLS = {
  sessions: ["read", "write", "refresh", "remove", "wasReplaced", "expiries"],
  sessionIndex: [
    ...["enter", "confirm", "extend", "revoke", "revoked", "revokeOne", "remove", "removeRevoked"],
    ...["mark", "shorten", "removeMarked", "entries"],
  ],
  registry: ["arrive", "depart", "forget", "saw", "ofUser", "nodesOf", "online"],
  memberships: ["join", "leave", "isMember", "groupsOf", "members"],
} satisfies Partial<Record<keyof Backend, readonly string[]>>;

/** Lets calls of a backend fail as operations say, whoever runs at the same time. */
export class Faults {
  readonly #operations = new AsyncLocalStorage<Operation>();
  readonly #effects = new Set<Promise<unknown>>();
  readonly #lateMs: number;
  readonly #removed = new Set<string>();
  /** Ids of sessions that were written again after they had been removed. */
  readonly broughtBack: string[] = [];

  constructor(lateMs: number) {
    this.#lateMs = lateMs;
  }

  /** Runs what belongs to an operation. */
  run<T>(operation: Operation, step: () => T): T {
    return this.#operations.run(operation, step);
  }

  /** Resolves once all has taken effect of which nobody has heard. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#effects);
  }

  around(backend: Backend): Backend {
    const parts = Object.entries(CALLS).map(([part, names]) => {
      return [part, this.#part(backend[part as keyof typeof CALLS], part, names)] as const;
    });
    return { ...backend, ...Object.fromEntries(parts) };
  }

  #part<T extends object>(target: T, part: string, names: readonly string[]): T {
    return new Proxy(target, {
      get: (_, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== "function") return member;
        if (!names.includes(String(name))) return member.bind(target);
        return (...args: unknown[]) => {
          const effect = () => member.apply(target, args) as Promise<unknown>;
          const watched =
            part === "sessions" ? () => this.#watched(String(name), String(args[0]), effect) : effect;
          return this.#call(`${part}.${String(name)}`, watched);
        };
      },
    });
  }

  async #watched(name: string, sid: string, effect: () => Promise<unknown>): Promise<unknown> {
    const wasRemoved = this.#removed.has(sid);
    const result = await effect();
    if (name === "remove") this.#removed.add(sid);
    const { outcome } = Object(result) as { outcome?: unknown };
    if (wasRemoved && outcome === "written") this.broughtBack.push(sid);
    return result;
  }

  async #call(name: string, run: () => Promise<unknown>): Promise<unknown> {
    const operation = this.#operations.getStore();
    if (!operation || operation.calls++ !== operation.fault?.at) return run();
    const { kind } = operation.fault;
    operation.hit = `${name} ${kind}`;
    if (kind === "refused") throw new Error("The backend has refused");
    const effect = run();
    this.#effects.add(effect);
    const answer = await effect.finally(() => this.#effects.delete(effect));
    if (kind === "cut") throw new Error("The line was cut");
    if (kind === "lost") return new Promise(() => {});
    await delay(this.#lateMs);
    return answer;
  }
}
