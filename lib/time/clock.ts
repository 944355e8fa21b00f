import { performance } from "node:perf_hooks";

/**
 * The time that decides in realtime: tests bring their own. Elsewhere there are two kinds of time. `Date.now()` is for what
 * others know as well, an expiry or a lease: it runs on while a machine sleeps. `performance.now()` is for durations inside
 * of this process: nobody can set it.
 */
export interface Clock {
  /** Milliseconds since the epoch. Never goes back, nor jumps when the system's clock is set. */
  now(): number;
  /** Runs a step again and again, without keeping the process alive, until the returned function is called. */
  every(ms: number, step: () => void): () => void;
  /** Runs a step once, without keeping the process alive, unless the returned function is called before. */
  after(ms: number, step: () => void): () => void;
}

/** The time of this process. */
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
