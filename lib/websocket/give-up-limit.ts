import type { Duplex } from "node:stream";
import { after } from "../after.ts";
import type { Answer } from "./answer.ts";
import { Refusal } from "./refusal.ts";

/** How long a handshake is waited for. */
export interface Limit {
  /** Waits for a step, until nobody waits for the handshake any more. */
  race<T>(step: Promise<T>): Promise<T>;
  clear(): void;
}

/**
 * Ends the waiting for a step once nobody waits for the handshake any more: its time is over, its line has dropped, or
 * it has been answered.
 */
export function giveUpLimit(timeoutMs: number, socket: Duplex, answer: Answer): Limit {
  let giveUp: (reason: Refusal) => void = () => {};
  const givenUp = new Promise<never>((_, reject) => {
    giveUp = reject;
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
    race<T>(step: Promise<T>): Promise<T> {
      return Promise.race([step, givenUp]);
    },
    clear(): void {
      cancel();
      socket.off("close", onClose);
    },
  };
}
