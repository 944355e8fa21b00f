import { EventEmitter } from "node:events";
import { types } from "node:util";
import type { Request } from "express";

/** Hears of what went wrong beside a request or connection, without having stopped it. */
export type ErrorListener = (error: Error, req: Request) => void;

type Listener = (...args: unknown[]) => unknown;

/** Tells of errors that nobody else is told of. Unlike an EventEmitter's, they end no process: unheard, they are a warning. */
export class ErrorEvents<Subject = Request> {
  readonly #emitter = new EventEmitter();

  on(listener: (error: Error, subject: Subject) => void): void {
    this.#emitter.on("error", listener);
  }

  off(listener: (error: Error, subject: Subject) => void): void {
    this.#emitter.off("error", listener);
  }

  report(error: unknown, subject: Subject): void {
    const reported = asError(error);
    if (this.#emitter.listenerCount("error") === 0) {
      warn(reported);
      return;
    }
    for (const listener of this.#emitter.listeners("error"))
      void tell(listener as Listener, reported, subject);
  }
}

/** Whoever reports has something to finish, and nobody to whom a listener's failure could be thrown. */
async function tell(listener: Listener, ...args: unknown[]): Promise<void> {
  try {
    await listener(...args);
  } catch (failure) {
    warn(asError(failure));
  }
}

/** Anything can be thrown, also what has no text. */
function asError(thrown: unknown): Error {
  try {
    if (thrown instanceof Error || types.isNativeError(thrown)) return thrown;
    return new Error(
      thrown == null ? `A function failed with ${thrown} in place of an error` : String(thrown),
    );
  } catch {
    return new Error("Something was thrown that is no error and has no text");
  }
}

/** Whether Node can print it: what fails there, a tick later, ends the process. */
function isReadable(error: Error): boolean {
  try {
    const { name, stack, code, detail } = error as Error & { code?: unknown; detail?: unknown };
    return [name, stack, code, detail, String(error)].length > 0;
  } catch {
    return false;
  }
}

function warn(error: Error): void {
  try {
    process.emitWarning(isReadable(error) ? error : new Error("An error was thrown that cannot be read"));
  } catch {
    // An error of another realm, such as that in which a test runner has loaded this, is none to Node.
    process.emitWarning(error.message, { type: error.name });
  }
}
