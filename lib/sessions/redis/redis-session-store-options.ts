import type { SessionData } from "express-session";
import { isText } from "../../names/is-text.ts";
import { hasMethods, type Rule, type Rules, required, trueOrFalse, wholeNumber } from "../../options/rule.ts";
import type { RedisClient } from "../../redis-client/redis-client.ts";
import type { SessionSerializer } from "../session-store.ts";

/** Options of `RedisSessionStore`: those of connect-redis, with its names and defaults. */
export interface RedisSessionStoreOptions {
  /** A connected node-redis client, cluster or sentinel. */
  client: RedisClient;
  /** What stands before the session id in the key. @default "sess:" */
  prefix?: string;
  /**
   * Seconds that a session lives whose cookie has no expiry of its own; a function decides for every session, with 0 or
   * less for one that is over. What it answers is a finite number, rounded up; else the session is not written.
   *
   * @default 86_400
   */
  ttl?: number | ((data: SessionData) => number);
  /** How sessions are written, also with what JSON does not keep. @default JSON */
  serializer?: SessionSerializer;
  /** Keys that never expire. @default false */
  disableTTL?: boolean;
  /** Only a save moves the expiry. @default false */
  disableTouch?: boolean;
  /** Keys that a SCAN of `all`, `ids`, `length` and `clear` asks for at a time. @default 100 */
  scanCount?: number;
}

/** connect-redis scans with the prefix as a pattern: with "[" nothing is found, with "*" what is others'. */
const PATTERN = /[\\*?[\]]/;

const prefixRule: Rule = {
  expected: "text without any of * ? [ ] and backslash",
  isRight: (value) => isText(value) && !PATTERN.test(value),
};

/** The options, also as those of a backend. */
export const REDIS_STORE_RULES: Rules<RedisSessionStoreOptions> = {
  client: required({
    expected: "a node-redis client, cluster or sentinel",
    isRight: (value) => typeof (value as Partial<RedisClient> | null)?.evalSha === "function",
  }),
  prefix: prefixRule,
  ttl: {
    expected: "a whole number of seconds, from 1 to 2 ** 40, or a function of the session",
    isRight: (value) => typeof value === "function" || wholeNumber("", 2 ** 40).isRight(value),
    fix: (value) =>
      value === Number.POSITIVE_INFINITY ? "disableTTL lets sessions live for ever" : undefined,
  },
  serializer: {
    expected: "an object with parse and stringify, as JSON is one",
    isRight: (value) => hasMethods(value, "parse", "stringify"),
  },
  disableTTL: trueOrFalse,
  disableTouch: trueOrFalse,
  scanCount: wholeNumber("a whole number, at least 1"),
};
