import { EventEmitter } from "node:events";
import type { Request } from "express";
import type { ErrorEvents } from "../../observability/error-events.ts";
import { checkListening } from "../../options/listening.ts";

/** A login or a logout: a session begins or ceases to belong to a user. */
export interface UserEvent {
  /** The id of the user whom the session belongs to, or belonged to. */
  readonly userId: string;
  /** The session's id. */
  readonly sid: string;
  /** The request or connection that caused the event. */
  readonly req: Request;
}

/** Names of the user events. Django has signals of the same names. */
export type UserEventName = "user_logged_in" | "user_logged_out";

const USER_EVENTS: readonly UserEventName[] = ["user_logged_in", "user_logged_out"];

/** Receives a user event. If the listener throws or rejects, that becomes an `error` event and stops nothing. */
export type UserListener = (event: UserEvent) => unknown;

/** Emits an event when a user logs in or out. */
export class UserEvents {
  readonly #emitter = new EventEmitter();
  readonly #errors: ErrorEvents;
  #limit: ((event: UserEvent) => Promise<void>) | undefined;

  constructor(errors: ErrorEvents) {
    this.#errors = errors;
  }

  on(name: UserEventName, listener: UserListener): void {
    checkListening("userSessions", USER_EVENTS, name, listener);
    this.#emitter.on(name, listener);
  }

  off(name: UserEventName, listener: UserListener): void {
    checkListening("userSessions", USER_EVENTS, name, listener);
    this.#emitter.off(name, listener);
  }

  /** Sets the function that enforces the limit on a user's sessions. Each login waits for it. */
  limitBy(limit: (event: UserEvent) => Promise<void>): void {
    this.#limit = limit;
  }

  /** Emits the login event, and resolves once the limit is enforced. */
  async loggedIn(event: UserEvent): Promise<void> {
    this.emit("user_logged_in", event);
    if (this.#limit) await this.#tell(this.#limit, event);
  }

  emit(name: UserEventName, event: UserEvent): void {
    for (const listener of this.#emitter.listeners(name)) void this.#tell(listener as UserListener, event);
  }

  async #tell(listener: UserListener, event: UserEvent): Promise<void> {
    try {
      await listener(event);
    } catch (error) {
      this.#errors.report(error, event.req);
    }
  }
}
