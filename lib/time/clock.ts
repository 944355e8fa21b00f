import { performance } from "node:perf_hooks";

/**
 * The clock that realtime uses; tests pass their own. Other code uses two kinds of time. `Date.now()` is for times
 * that others know as well, such as an expiry or a lease: it runs on while a machine sleeps. `performance.now()` is
 * for durations inside this process: nobody can set it.
 */
export interface Clock {
  /** Returns milliseconds since the epoch. The value never goes back, nor jumps when the system's clock is set. */
  now(): number;
  /** Runs a step repeatedly until the returned function is called. The timer does not keep the process alive. */
  every(ms: number, step: () => void): () => void;
  /** Runs a step once, unless the returned function is called before. The timer does not keep the process alive. */
  after(ms: number, step: () => void): () => void;
}

/** The clock of this process. */
export const systemClock: Clock = Object.freeze({
  now: () => Math.round(performance.timeOrigin + performance.now()),
  every(ms: number, step: () => void) {
    const timer = setInterval(step, ms).unref();
    return () => clearInterval(timer);
  },
  after(ms: number, step: () => void) {
    const timer = setTimeout(step, ms).unref();
    return () => clearTimeout(timer);
  },
});
