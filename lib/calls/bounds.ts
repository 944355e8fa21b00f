import { codeOf } from "../errors.ts";
import { after } from "../time/after.ts";
import { timedOut, unavailable } from "./in-time.ts";
import { Lane } from "./lane.ts";
import { LateCalls } from "./late-calls.ts";

/**
 * How many calls of one purpose may be unanswered at a time. An offline client queues all commands, even those that
 * nobody waits for any more. This limit keeps that queue short.
 */
const MAX_UNANSWERED = 10_000;

/** Receives the result of a call and its duration in milliseconds. */
export type CallListener = (result: "answered" | "failed" | "timed_out", ms: number) => void;

/** The purposes of calls other than those for sessions. */
export type Purpose = "realtime" | "sends" | "maintenance";

/**
 * Ends every call within `timeoutMs`. A failed call rejects with `ERR_STORE_UNAVAILABLE` and the reason as its cause.
 */
export class Bounds {
  readonly timeoutMs: number;
  /** The lane for work on many sessions. Such work must not use up the capacity that each request needs. */
  readonly lane: Lane;
  readonly #purposes = new Map<Purpose, Bounds>();
  readonly #late: LateCalls;
  #unanswered = 0;
  #begun = 0;
  #onCall: CallListener | undefined;

  constructor(timeoutMs: number) {
    this.timeoutMs = timeoutMs;
    this.lane = new Lane(timeoutMs);
    this.#late = new LateCalls(timeoutMs, () => {
      this.#unanswered--;
    });
  }

  /**
   * Returns the bounds for calls of another purpose. However many of them wait, they take no places of these calls.
   */
  for(purpose: Purpose): Bounds {
    const known = this.#purposes.get(purpose);
    if (known) return known;
    const made = new Bounds(this.timeoutMs);
    made.#onCall = this.#onCall;
    this.#purposes.set(purpose, made);
    return made;
  }

  /** Sets the listener for the results of calls, for all purposes. */
  onCall(listener: CallListener): void {
    this.#onCall = listener;
    for (const bounds of this.#purposes.values()) bounds.onCall(listener);
  }

  /** Runs a bounded call. It creates only one promise and one timer, because every request makes a call. */
  call<T>(call: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#unanswered >= MAX_UNANSWERED && !this.#late.mayTry()) {
        reject(unavailable("has too many calls waiting"));
        return;
      }
      this.#unanswered++;
      const number = ++this.#begun;
      let isLate = false;
      let onCall = this.#onCall;
      const calledAt = onCall ? performance.now() : 0;
      const tell: (result: Parameters<CallListener>[0]) => void = (result) => {
        onCall?.(result, performance.now() - calledAt);
        // A call that timed out was reported already.
        onCall = undefined;
      };
      const cancel = after(this.timeoutMs, () => {
        isLate = true;
        this.#late.add(number, this.#begun);
        tell("timed_out");
        reject(timedOut(this.timeoutMs));
      });
      const answered = () => {
        if (isLate) this.#late.settled(number);
        else {
          this.#unanswered--;
          cancel();
        }
      };
      const failed = (error: unknown) => {
        answered();
        tell("failed");
        reject(codeOf(error) ? error : unavailable("failed", error));
      };
      try {
        call().then((value) => {
          answered();
          this.#late.forgetBefore(number);
          tell("answered");
          resolve(value);
        }, failed);
      } catch (error) {
        failed(error);
      }
    });
  }
}
