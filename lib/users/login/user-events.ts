import { EventEmitter } from "node:events";
import type { Request } from "express";
import type { ErrorEvents } from "../../observability/error-events.ts";
import { checkListening } from "../../options/listening.ts";

/** A session that has become a user's, or is no more. */
export interface UserEvent {
  /** Whose session it is, or was. */
  readonly userId: string;
  /** The session's id. */
  readonly sid: string;
  /** The request or connection that did it. */
  readonly req: Request;
}

/** What is told of users: as Django's signals of the same names. */
export type UserEventName = "user_logged_in" | "user_logged_out";

const USER_EVENTS: readonly UserEventName[] = ["user_logged_in", "user_logged_out"];

/** Hears of a user event. What it throws or rejects with is an `error` event, and stops nothing. */
export type UserListener = (event: UserEvent) => unknown;

/** Tells of users who log in and out. */
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

  /** Sets what is done after each login before the login is done: the limit on a user's sessions. */
  limitBy(limit: (event: UserEvent) => Promise<void>): void {
    this.#limit = limit;
  }

  /** Tells of a login, and resolves once the limit is kept. */
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
