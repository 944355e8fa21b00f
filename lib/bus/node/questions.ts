import { randomUUID } from "node:crypto";
import { timedOut } from "../../calls/in-time.ts";
import { after } from "../../time/after.ts";
import type { Reply } from "../message.ts";

/** Questions to other nodes that are waiting for their answers. */
export class Questions {
  readonly #open = new Map<string, (reply: Reply) => void>();

  /** Takes a node's reply. */
  hear(reply: Reply): void {
    this.#open.get(reply.question)?.(reply);
  }

  /**
   * Sends a question. Resolves to the answers once all nodes in `waitedFor` have answered, or after `timeoutMs`. Nodes that
   * have answered are removed from `waitedFor`.
   *
   * @throws {SessionStackError} `ERR_STORE_UNAVAILABLE` if no node is waited for, and sending is not confirmed in time.
   */
  async ask(
    put: (question: string) => Promise<unknown>,
    waitedFor: Set<string>,
    timeoutMs: number,
  ): Promise<unknown[]> {
    const answers: unknown[] = [];
    const question = randomUUID();
    try {
      await new Promise<void>((resolve, reject) => {
        const cancel = after(timeoutMs, () => {
          if (waitedFor.size > 0) resolve();
          else reject(timedOut(timeoutMs));
        });
        const finish = (end: () => void) => {
          cancel();
          end();
        };
        this.#open.set(question, ({ node, answer }) => {
          if (!waitedFor.delete(node)) return;
          if (answer !== undefined) answers.push(answer);
          if (waitedFor.size === 0) finish(resolve);
        });
        put(question).then(
          () => {
            if (waitedFor.size === 0) finish(resolve);
          },
          (error) => finish(() => reject(error)),
        );
      });
    } finally {
      this.#open.delete(question);
    }
    return answers;
  }
}
