import { performance } from "node:perf_hooks";

/** Time, as far as it decides on anything in realtime: tests bring their own. */
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
