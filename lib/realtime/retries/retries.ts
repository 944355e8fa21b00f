import { setTimeout as delay } from "node:timers/promises";
import { type Outcomes, PENDING } from "../../outcomes/outcomes.ts";
import type { Correspondent } from "../messages/correspondent.ts";
import { errorText, type IncomingEvent, ProtocolError } from "../messages/protocol.ts";
import type { RealtimeConfig } from "../realtime-options.ts";

/** Milliseconds for which an outcome is kept. */
const KEPT_MS = 120_000;

/** The most bytes of an outcome that is kept. */
const MAX_OUTCOME_BYTES = 65_536;

/** Milliseconds before a repetition looks for the outcome again. Each pause is twice as long, up to the longest. */
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 500;

/** What handling an event once needs. */
interface RetriesParts {
  readonly outcomes: Outcomes;
  readonly config: Pick<RealtimeConfig, "clock" | "handlerTimeoutMs">;
  readonly report: (error: unknown, connection: Correspondent) => void;
}

type Asker = Pick<Correspondent, "userId" | "sid">;

/**
 * Has requests with a key handled once, on whichever nodes they arrive. A key counts per user, or per session if there
 * is no user. A repetition gets the answer of the first request.
 */
export class Retries {
  readonly #parts: RetriesParts;
  /** The claim outlives the handler by as long as an outcome is kept. */
  readonly #claimMs: number;

  constructor(parts: RetriesParts) {
    this.#parts = parts;
    this.#claimMs = Math.ceil(parts.config.handlerTimeoutMs) + KEPT_MS;
  }

  /**
   * Resolves to `undefined` if the event is to be handled now. Resolves to the answer if it is a repetition; while the
   * first request is still being handled, this waits for its outcome.
   *
   * @throws {ProtocolError} if the outcome cannot be known. Then the event must not be handled.
   */
  async claim(connection: Correspondent, event: IncomingEvent): Promise<string | undefined> {
    const name = nameOf(connection, event);
    try {
      const known = await this.#parts.outcomes.claim(name, this.#claimMs);
      if (known === undefined) return undefined;
      const outcome = known === PENDING ? await this.#wait(connection, name) : known;
      if (outcome) return `${idText(event)},${outcome}`;
    } catch (error) {
      this.#parts.report(error, connection);
    }
    throw unknownOutcome(event);
  }

  /** Keeps the answer to a claimed event. */
  keep(connection: Correspondent, event: IncomingEvent, answer: string): void {
    const isKept = Buffer.byteLength(answer) <= MAX_OUTCOME_BYTES;
    const text = isKept ? answer : errorText(unknownOutcome(event));
    // The answer's text without its id, which each repetition has of its own.
    const outcome = text.slice(idText(event).length + 1);
    this.#try(connection, this.#parts.outcomes.keep(nameOf(connection, event), outcome, KEPT_MS));
  }

  /** Gives up a claimed event that is not handled after all. */
  release(connection: Correspondent, event: IncomingEvent): void {
    this.#try(connection, this.#parts.outcomes.release(nameOf(connection, event)));
  }

  #try(connection: Correspondent, call: Promise<void>): void {
    call.catch((error) => this.#parts.report(error, connection));
  }

  /** Waits for an outcome, for as long as a handler may take. Its node may have died, so there may never be one. */
  async #wait({ line }: Correspondent, name: string): Promise<string | undefined> {
    const { outcomes, config } = this.#parts;
    const until = config.clock.now() + config.handlerTimeoutMs;
    for (let pauseMs = FIRST_PAUSE_MS; line.isOpen && config.clock.now() < until; pauseMs *= 2) {
      await delay(Math.min(pauseMs, LONGEST_PAUSE_MS, until - config.clock.now()));
      const outcome = await outcomes.read(name);
      if (outcome !== PENDING) return outcome;
    }
    return undefined;
  }
}

function nameOf({ userId, sid }: Asker, { key }: IncomingEvent): string {
  return `${userId === undefined ? `session:${sid}` : `user:${userId}`}:${key}`;
}

/** The beginning of an answer. */
function idText({ id }: IncomingEvent): string {
  return JSON.stringify({ id }).slice(0, -1);
}

function unknownOutcome({ id }: IncomingEvent): ProtocolError {
  return new ProtocolError(
    "outcome_unknown",
    "The event may have been handled, but its outcome is not known",
    id,
  );
}
