import type { Duplex } from "node:stream";
import { after } from "../../time/after.ts";
import type { Answer } from "./answer.ts";
import { Refusal } from "./refusal.ts";

/** How long a handshake is waited for. */
export interface Limit {
  /** Waits for a step, until nobody waits for the handshake any more. If it fails after that, `onLate` is told. */
  race<T>(step: PromiseLike<T>, onLate?: (error: unknown) => void): Promise<T>;
  clear(): void;
}

/**
 * Ends the waiting for a step once nobody waits for the handshake any more: its time is over, its line has dropped, or
 * it has been answered.
 */
export function giveUpLimit(timeoutMs: number, socket: Duplex, answer: Answer): Limit {
  let isGivenUp = false;
  let giveUp: (reason: Refusal) => void = () => {};
  const givenUp = new Promise<never>((_, reject) => {
    giveUp = (reason) => {
      isGivenUp = true;
      reject(reason);
    };
  });
  givenUp.catch(() => {});
  const onClose = () => giveUp(new Refusal(400, "The client has gone"));
  const cancel = after(timeoutMs, () =>
    giveUp(new Refusal(503, "The handshake took too long", { "Retry-After": "1" })),
  );
  socket.once("close", onClose);
  answer.whenMade((res) => {
    res.once("finish", () => giveUp(new Refusal(res.statusCode, "Answered by a middleware")));
  });
  return {
    race<T>(step: PromiseLike<T>, onLate?: (error: unknown) => void): Promise<T> {
      if (onLate)
        step.then(undefined, (error: unknown) => {
          if (isGivenUp) onLate(error);
        });
      return Promise.race([step, givenUp]);
    },
    clear(): void {
      cancel();
      socket.off("close", onClose);
    },
  };
}
