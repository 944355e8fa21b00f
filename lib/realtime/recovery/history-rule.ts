import { checkOptions } from "../../options/options-check.ts";
import { type Rules, trueOrFalse, wholeNumber } from "../../options/rule.ts";

/** How much of a channel is kept, and for whom. */
export interface ChannelHistory {
  /** The most messages that are kept. @default 100 */
  maxMessages?: number;
  /** Seconds after which a message is dropped. @default 300 */
  maxAgeSeconds?: number;
  /** Whether users read only what was sent since they have joined the group. @default true */
  sinceJoin?: boolean;
}

/** The history of all channels, or a function that chooses the history of one, such as `group:lobby` or `user:ada`. */
export type HistoryOption = ChannelHistory | ((channel: string) => ChannelHistory | false);

/** The history of a channel, checked. */
export type KeptHistory = Readonly<Required<ChannelHistory>>;

const DEFAULTS: KeptHistory = Object.freeze({ maxMessages: 100, maxAgeSeconds: 300, sinceJoin: true });

/** The most messages of a channel. A node may have to read all of them for one client. */
const MAX_MESSAGES = 10_000;
/** The longest age of a message: a week. The position of a channel is kept for a month. */
const MAX_AGE_SECONDS = 604_800;

export const HISTORY_RULES: Rules<ChannelHistory> = {
  maxMessages: wholeNumber(`a whole number of messages, from 1 to ${MAX_MESSAGES}`, MAX_MESSAGES),
  maxAgeSeconds: {
    expected: `a number of seconds, more than 0, at most ${MAX_AGE_SECONDS}`,
    isRight: (value) => typeof value === "number" && value > 0 && value <= MAX_AGE_SECONDS,
  },
  sinceJoin: trueOrFalse,
};

/** Chooses the history of each channel. */
export type HistoryRule = (channel: string) => KeptHistory | undefined;

/** Returns the rule of an option. The option itself was checked. */
export function historyRule(option: HistoryOption): HistoryRule {
  if (typeof option !== "function") {
    const kept = { ...DEFAULTS, ...option };
    return () => kept;
  }
  // Apps answer the same few objects again and again.
  const known = new WeakMap<object, KeptHistory>();
  return (channel) => {
    const answer = option(channel);
    if (answer === false) return undefined;
    const found = known.get(Object(answer));
    if (found) return found;
    const kept = { ...DEFAULTS, ...checkOptions("realtime: the answer of history", HISTORY_RULES, answer) };
    known.set(answer, kept);
    return kept;
  };
}
