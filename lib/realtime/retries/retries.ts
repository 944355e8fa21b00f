import { setTimeout as delay } from "node:timers/promises";
import { type Outcomes, PENDING } from "../../outcomes/outcomes.ts";
import type { Correspondent } from "../messages/correspondent.ts";
import { errorText, type IncomingEvent, ProtocolError } from "../messages/protocol.ts";
import type { RealtimeConfig } from "../realtime-options.ts";

/** Milliseconds for which an outcome is kept. */
const KEPT_MS = 120_000;

/** The most bytes of an outcome that is kept. */
const MAX_OUTCOME_BYTES = 16_384;

/** Milliseconds before a repetition looks for the outcome again. Each pause is twice as long, up to the longest. */
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 500;

/** What handling an event once needs. */
interface RetriesParts {
  /** Absent if the backend keeps no outcomes. */
  readonly outcomes: Outcomes | undefined;
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
   * Resolves to `undefined` if the event is to be handled now. Otherwise resolves to its answer: that of the first
   * request, or an error if that cannot be known. While the first request is still being handled, this waits for it.
   */
  async claim(connection: Correspondent, event: IncomingEvent): Promise<string | undefined> {
    const { outcomes, report } = this.#parts;
    if (!outcomes)
      return errorText(new ProtocolError("retry_unsupported", "The server keeps no outcomes", event.id));
    const name = nameOf(connection, event);
    try {
      const known = await outcomes.claim(name, this.#claimMs);
      if (known === undefined && !connection.line.isMuted) return undefined;
      // The session has ended meanwhile, so the event is not handled.
      if (known === undefined) await outcomes.release(name);
      const outcome = known === PENDING ? await this.#wait(outcomes, connection, name) : known;
      if (outcome) return `${idText(event)},${outcome}`;
    } catch (error) {
      report(error, connection);
    }
    return errorText(unknownOutcome(event));
  }

  /** Keeps the answer to a claimed event. */
  keep(connection: Correspondent, event: IncomingEvent, answer: string): void {
    const isKept = Buffer.byteLength(answer) <= MAX_OUTCOME_BYTES;
    const text = isKept ? answer : errorText(unknownOutcome(event));
    // Each repetition has an id of its own.
    const outcome = text.slice(idText(event).length + 1);
    this.#parts.outcomes
      ?.keep(nameOf(connection, event), outcome, KEPT_MS)
      .catch((error) => this.#parts.report(error, connection));
  }

  /** Waits for an outcome, for as long as a handler may take. Its node may have died, so there may never be one. */
  async #wait(outcomes: Outcomes, { line }: Correspondent, name: string): Promise<string | undefined> {
    const { config } = this.#parts;
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
