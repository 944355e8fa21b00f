import { codeOf } from "../errors.ts";
import { after } from "../time/after.ts";
import { timedOut, unavailable } from "./in-time.ts";
import { Lane } from "./lane.ts";
import { LateCalls } from "./late-calls.ts";

/**
 * Calls of one purpose that may wait for an answer at a time. A client that is offline queues what it is given, also
 * what nobody waits for any more; this keeps that queue short.
 */
const MAX_UNANSWERED = 10_000;

/** Hears how a call went, and how many milliseconds it took. */
export type CallListener = (result: "answered" | "failed" | "timed_out", ms: number) => void;

/** What calls beside those for sessions are for. */
export type Purpose = "realtime" | "sends" | "maintenance";

/** Lets every call end within `timeoutMs`, and fail with `ERR_STORE_UNAVAILABLE` and the reason as its cause. */
export class Bounds {
  readonly timeoutMs: number;
  /** Where work on many sessions goes: what each request may ask for must not be taken up by it. */
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

  /** The bounds of calls for something else: however many of them wait, they take no place of these. */
  for(purpose: Purpose): Bounds {
    const known = this.#purposes.get(purpose);
    if (known) return known;
    const made = new Bounds(this.timeoutMs);
    made.#onCall = this.#onCall;
    this.#purposes.set(purpose, made);
    return made;
  }

  /** Has calls timed from now on, those of all purposes. */
  onCall(listener: CallListener): void {
    this.#onCall = listener;
    for (const bounds of this.#purposes.values()) bounds.onCall(listener);
  }

  /** One promise and one timer for each call: every request makes one. */
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
        // What comes later has been told of as late.
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
