import { Durations } from "./durations.ts";

/** Durations by what they are of. */
export type DurationsBy = Map<string, Durations>;

/** What of a stack can be timed. */
export interface Timed {
  readonly config: {
    readonly bounds: { onCall(listener: (result: string, ms: number) => void): void };
    readonly store: { readonly endings: { onClosed(listener: (ms: number) => void): void } };
  };
}

const OF_ALL = "";
const timings = new WeakMap<Timed, Timings>();

/** What is timed of one stack, however many listen to it. */
export class Timings {
  /** Calls to the backend, by their result. */
  readonly calls: DurationsBy = new Map();
  /** From the ends of sessions to the close of their connections. */
  readonly revocations: DurationsBy = new Map([[OF_ALL, new Durations()]]);

  constructor({ config }: Timed) {
    config.bounds.onCall((result, ms) => observe(this.calls, result, ms));
    config.store.endings.onClosed((ms) => observe(this.revocations, OF_ALL, ms));
  }
}

/** The timings of a stack, which begin when they are first asked for. */
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
