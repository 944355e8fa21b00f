import type { RealtimeConnection } from "./realtime-connection.ts";

/** What a tick asks who was heard. */
interface Ears {
  /** The connections that were heard since this was last asked. */
  drainActive(): RealtimeConnection[];
}

/** A part of a tick. It is told which connections were heard, and which of them keep their session alive by that. */
export type Step = (
  heard: readonly RealtimeConnection[],
  beating: readonly RealtimeConnection[],
) => Promise<unknown>;

/** Once a second does for all connections of the node what calls the backend: in one round trip, however many there are. */
export class Tick {
  readonly #ears: Ears;
  readonly #steps: readonly Step[];
  readonly #report: (error: unknown) => void;
  #isRunning = false;
  #isFailing = false;

  constructor(ears: Ears, steps: readonly Step[], report: (error: unknown) => void) {
    this.#ears = ears;
    this.#steps = steps;
    this.#report = report;
  }

  async run(): Promise<void> {
    // The backend is slow: what was heard meanwhile is written with the next tick.
    if (this.#isRunning) return;
    this.#isRunning = true;
    const heard = this.#ears.drainActive();
    const beating = heard.filter(({ keepsAlive }) => keepsAlive);
    // Before anything is waited for: what is heard meanwhile counts for the next tick.
    for (const connection of beating) connection.keepsAlive = false;
    // All at once, so that it leaves as one write.
    const results = await Promise.allSettled(this.#steps.map((step) => step(heard, beating)));
    const failure = results.find((result) => result.status === "rejected");
    // Once, not with each tick for as long as the backend is down.
    if (failure && !this.#isFailing) this.#report(failure.reason);
    this.#isFailing = failure !== undefined;
    this.#isRunning = false;
  }
}
