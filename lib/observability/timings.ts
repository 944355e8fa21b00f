import { Durations } from "./durations.ts";

/** Durations, grouped by a name such as the result of a call. */
export type DurationsBy = Map<string, Durations>;

/** The parts of a stack that can be timed. */
export interface Timed {
  readonly config: {
    readonly bounds: { onCall(listener: (result: string, ms: number) => void): void };
    readonly store: { readonly endings: { onClosed(listener: (ms: number) => void): void } };
  };
}

const OF_ALL = "";
const timings = new WeakMap<Timed, Timings>();

/** The timings of one stack. However many registers read them, each stack has them once. */
export class Timings {
  /** Calls to the backend, by their result. */
  readonly calls: DurationsBy = new Map();
  /** Times from the ends of sessions to the close of their connections. */
  readonly revocations: DurationsBy = new Map([[OF_ALL, new Durations()]]);

  constructor({ config }: Timed) {
    config.bounds.onCall((result, ms) => observe(this.calls, result, ms));
    config.store.endings.onClosed((ms) => observe(this.revocations, OF_ALL, ms));
  }
}

/** Returns the timings of a stack. They begin at the first call. */
export function timingsOf(keeper: Timed): Timings {
  const known = timings.get(keeper) ?? new Timings(keeper);
  timings.set(keeper, known);
  return known;
}

function observe(durations: DurationsBy, by: string, ms: number): void {
  const known = durations.get(by) ?? new Durations();
  durations.set(by, known);
  known.observe(ms);
}
