import type { RealtimeConnection } from "./realtime-connection.ts";

/** Collects active connections. */
interface ActivitySource {
  /** Returns the connections that were active since the last call. */
  drainActive(): RealtimeConnection[];
}

/** One part of a tick. It gets the active connections, and those whose activity keeps their session alive. */
export type Step = (
  heard: readonly RealtimeConnection[],
  beating: readonly RealtimeConnection[],
) => Promise<unknown>;

/** Makes the calls to the backend that are due once a second, for all connections together, in one round trip. */
export class Tick {
  readonly #activity: ActivitySource;
  readonly #steps: readonly Step[];
  readonly #report: (error: unknown) => void;
  #isRunning = false;
  #isFailing = false;

  constructor(activity: ActivitySource, steps: readonly Step[], report: (error: unknown) => void) {
    this.#activity = activity;
    this.#steps = steps;
    this.#report = report;
  }

  async run(): Promise<void> {
    // If the backend is slow, the next tick writes the activity since.
    if (this.#isRunning) return;
    this.#isRunning = true;
    const heard = this.#activity.drainActive();
    const beating = heard.filter(({ keepsAlive }) => keepsAlive);
    // This comes before any wait: activity during the wait counts for the next tick.
    for (const connection of beating) connection.keepsAlive = false;
    // All steps begin together, so that their calls leave as one write.
    const results = await Promise.allSettled(this.#steps.map((step) => step(heard, beating)));
    const failure = results.find((result) => result.status === "rejected");
    // A failure is reported once, not with each tick while the backend is down.
    if (failure && !this.#isFailing) this.#report(failure.reason);
    this.#isFailing = failure !== undefined;
    this.#isRunning = false;
  }
}
