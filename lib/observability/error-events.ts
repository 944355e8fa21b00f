import { EventEmitter } from "node:events";
import { types } from "node:util";
import type { Request } from "express";

/** Called with an error that happened beside a request or connection and did not stop it. */
export type ErrorListener = (error: Error, req: Request) => void;

type Listener = (...args: unknown[]) => unknown;

/**
 * Reports errors that nobody else is told of. Unlike the errors of an EventEmitter, they never end the process. Without
 * a listener, an error is a process warning.
 */
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

/**
 * Calls a listener, and never rejects: the code that reports goes on, and no caller could handle a listener's failure.
 */
async function tell(listener: Listener, ...args: unknown[]): Promise<void> {
  try {
    await listener(...args);
  } catch (failure) {
    warn(asError(failure));
  }
}

/** Makes an error of a thrown value. Code can throw any value, even one that has no text. */
function asError(thrown: unknown): Error {
  try {
    if (thrown instanceof Error || types.isNativeError(thrown)) return thrown;
    return new Error(
      thrown == null ? `A function failed with ${thrown} in place of an error` : String(thrown),
    );
  } catch {
    return new Error("A value was thrown that is not an Error and has no text");
  }
}

/** Whether Node can print an error. Node prints a warning a tick later, and a failure there ends the process. */
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
    // Node does not accept an error of another realm, such as the realm in which a test runner has loaded this file.
    process.emitWarning(error.message, { type: error.name });
  }
}
