import type { History } from "../../history/history.ts";
import { checkOptions } from "../../options/options-check.ts";
import { wholeNumber } from "../../options/rule.ts";
import { readAddressed } from "../delivery/delivery.ts";
import type { EventData } from "../messages/protocol.ts";
import type { HistoryRule } from "./history-rule.ts";

/** Which events of a history to read. */
export interface HistoryQuery {
  /** The most events. @default 50 */
  limit?: number | undefined;
  /** Only events with a lower offset, such as the lowest one that is known. @default all */
  before?: number | undefined;
}

/** An event that was sent and is kept. */
export interface KeptEvent {
  /** The type of the event. */
  readonly type: string;
  /** The data of the event. */
  readonly data: EventData;
  /** The number of the event in its channel. */
  readonly offset: number;
}

const MAX_EVENTS = 1_000;
const MAX_BYTES = 16_777_216;
const DEFAULT_EVENTS = 50;

const RULES = {
  limit: wholeNumber(`a whole number of events, from 1 to ${MAX_EVENTS}`, MAX_EVENTS),
  before: wholeNumber("the offset of an event, a whole number of at least 1"),
};

/** Reads the newest events of a channel, the oldest of them first. */
export async function keptEvents(
  history: History,
  rule: HistoryRule,
  channel: string,
  query: HistoryQuery = {},
): Promise<KeptEvent[]> {
  const { limit = DEFAULT_EVENTS, before = Number.POSITIVE_INFINITY } = checkOptions<HistoryQuery>(
    "realtime: history",
    RULES,
    query,
  );
  const kept = rule(channel);
  if (!kept) return [];
  const { maxAgeSeconds } = kept;
  const range = {
    after: 0,
    upTo: before - 1,
    limit,
    maxBytes: MAX_BYTES,
    from: "newest",
    maxAgeSeconds,
  } as const;
  const { messages } = await history.read(channel, range);
  return messages.map(({ offset, message }) => {
    const { event_type: type, data } = JSON.parse(readAddressed(message).text);
    return { type, data, offset };
  });
}
