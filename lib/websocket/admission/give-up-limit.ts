import type { Duplex } from "node:stream";
import { after } from "../../time/after.ts";
import type { Answer } from "./answer.ts";
import { Refusal } from "./refusal.ts";

/** The limit of a handshake's waiting. */
export interface Limit {
  /** Waits for a step until the handshake is given up. If the step fails after that, `onLate` gets the error. */
  race<T>(step: PromiseLike<T>, onLate?: (error: unknown) => void): Promise<T>;
  clear(): void;
}

/**
 * Creates the limit of a handshake. The handshake is given up when its time is over, its line has dropped, or it was
 * answered.
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
