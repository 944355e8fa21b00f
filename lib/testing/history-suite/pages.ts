import assert from "node:assert/strict";
import type { History, HistoryLimits, HistoryPage, HistoryRange } from "../../history/history.ts";

/** More than any test keeps. */
export const many: HistoryLimits = { maxMessages: 10_000, maxAgeSeconds: 3_600 };

/** Everything that is kept. */
export const everything: HistoryRange = {
  after: 0,
  upTo: Number.POSITIVE_INFINITY,
  limit: Number.POSITIVE_INFINITY,
  maxBytes: Number.POSITIVE_INFINITY,
  from: "oldest",
  maxAgeSeconds: 3_600,
};

/** Reads everything, or the part of it that the given members say. */
export function readAll(
  history: History,
  channel: string,
  range: Partial<HistoryRange> = {},
): Promise<HistoryPage> {
  return history.read(channel, { ...everything, ...range });
}

/** Appends messages one after the other. Resolves to the epoch. */
export async function appendAll(
  history: History,
  channel: string,
  messages: readonly string[],
  limits: HistoryLimits = many,
): Promise<string> {
  let epoch = "";
  for (const message of messages) ({ epoch } = await history.append(channel, message, limits));
  return epoch;
}

/** The messages `m1`, `m2`, … as they are named after their offsets. */
export function named(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, n) => `m${from + n}`);
}

/** Asserts that a page has exactly the messages {@link named} from one offset to the other. */
export function assertNamed(page: HistoryPage, from: number, to: number, hint?: string): void {
  const expected = named(from, to).map((message, n) => ({ offset: from + n, message }));
  assert.deepEqual(page.messages, expected, hint);
}

/** Asserts that a page has no messages. */
export function assertEmpty(page: HistoryPage, hint?: string): void {
  assert.deepEqual(page.messages, [], hint);
}
