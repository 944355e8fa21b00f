import type { History } from "../../history/history.ts";
import { readAddressed } from "../delivery/delivery.ts";
import { type EventData, ProtocolError, RawJson } from "../messages/protocol.ts";
import type { HistoryCounts } from "./history-counts.ts";
import type { HistoryRule } from "./history-rule.ts";
import type { Joins } from "./joins.ts";

/** The event by which a client asks for what it has missed. */
export const HISTORY = "session.history";

/** Messages of one answer. */
const MAX_MESSAGES = 100;
/** The most bytes of one answer, and the part of `maxBufferedBytes` that an answer may take. */
const MAX_BYTES = 524_288;
const PART_OF_BUFFER = 0.5;

/** Former connections that a client may name, and the characters of each name. */
const MAX_FORMER = 20;
const MAX_ID_LENGTH = 100;

/** A connection that asks. */
export interface Reader {
  readonly userId: string | undefined;
  readonly groups: ReadonlySet<string>;
  readonly line: { readonly isMuted: boolean };
}

/** What answers need. */
export interface HistoryRequestsParts {
  readonly history: History;
  readonly rule: HistoryRule;
  readonly joins: Joins;
  readonly counts: HistoryCounts;
  readonly maxBufferedBytes: number;
}

/** The question of a client, checked. */
interface Question {
  readonly channel: string;
  readonly epoch: string;
  readonly after: number;
  readonly upTo: number;
  readonly was: readonly string[];
}

/** Answers clients that ask for messages that they have missed. */
export class HistoryRequests {
  readonly #parts: HistoryRequestsParts;

  constructor(parts: HistoryRequestsParts) {
    this.#parts = parts;
  }

  /**
   * Reads the messages of a channel that the connection is in, from where its user has joined.
   *
   * @throws {ProtocolError} `not_in_channel`, `history_lost` if the history does not reach so far, or `invalid_data`.
   */
  async answer(connection: Reader, data: EventData): Promise<RawJson> {
    const question = checkedQuestion(data);
    const name = channelOf(question.channel, connection);
    const kept = this.#parts.rule(name);
    if (!kept) throw lost();
    const { history, joins, counts, maxBufferedBytes } = this.#parts;
    const alone = connection.userId === undefined ? joins.ofAlone(name, connection) : undefined;
    if (alone && alone.epoch !== question.epoch) throw lost();
    const after = Math.max(question.after, alone?.offset ?? 0);
    const { position, messages, enteredAfter } = await history.read(name, {
      after,
      upTo: question.upTo,
      limit: MAX_MESSAGES,
      maxBytes: Math.min(MAX_BYTES, maxBufferedBytes * PART_OF_BUFFER),
      from: "oldest",
      maxAgeSeconds: kept.maxAgeSeconds,
      ...(kept.sinceJoin && connection.userId !== undefined && { reader: connection.userId }),
    });
    // The user may have left the group meanwhile, or the session may have ended.
    if (connection.line.isMuted) throw notIn();
    channelOf(question.channel, connection);
    if (position.epoch !== question.epoch || position.offset < question.upTo) throw lost();
    const start = Math.max(after, enteredAfter);
    if (start < question.upTo && messages[0]?.offset !== start + 1) throw lost();
    const texts: string[] = [];
    for (const { offset, message } of messages) {
      const { exceptId, text } = readAddressed(message);
      if (!question.was.includes(exceptId)) texts.push(`${text.slice(0, -1)},"offset":${offset}}`);
    }
    counts.recovered += texts.length;
    const upTo = messages.at(-1)?.offset ?? question.upTo;
    return new RawJson(
      `{"channel":${JSON.stringify(question.channel)},"messages":[${texts.join(",")}],"upTo":${upTo}}`,
    );
  }
}

/** The name of the channel that a client asks for. The client must be in it now. */
function channelOf(channel: string, { userId, groups }: Reader): string {
  if (channel === "user" && userId !== undefined) return `user:${userId}`;
  if (channel.startsWith("group:") && groups.has(channel.slice("group:".length))) return channel;
  throw notIn();
}

function checkedQuestion({ channel, epoch, after, upTo, was = [] }: EventData): Question {
  const isRight =
    typeof channel === "string" &&
    typeof epoch === "string" &&
    Number.isSafeInteger(after) &&
    Number.isSafeInteger(upTo) &&
    after >= 0 &&
    upTo >= after &&
    Array.isArray(was) &&
    was.length <= MAX_FORMER &&
    was.every((id) => typeof id === "string" && id !== "" && id.length <= MAX_ID_LENGTH);
  if (isRight) return { channel, epoch, after, upTo, was };
  throw new ProtocolError("invalid_data", 'Expected "channel", "epoch", "after", "upTo" and "was"');
}

function lost(): ProtocolError {
  return new ProtocolError("history_lost", "The history does not reach so far; load the page's data anew");
}

function notIn(): ProtocolError {
  return new ProtocolError("not_in_channel", "The connection is not in this channel");
}
