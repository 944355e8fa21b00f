import type { SessionData } from "express-session";
import { isText } from "../../names/is-text.ts";
import { hasMethods, type Rule, type Rules, required, trueOrFalse, wholeNumber } from "../../options/rule.ts";
import type { RedisClient } from "../../redis-client/redis-client.ts";
import type { SessionSerializer } from "../session-store.ts";

/** Options of `RedisSessionStore`: those of connect-redis, with its names and defaults. */
export interface RedisSessionStoreOptions {
  /** A connected node-redis client, cluster or sentinel. */
  client: RedisClient;
  /** The text before the session id in each key. @default "sess:" */
  prefix?: string;
  /**
   * Seconds that a session lives if its cookie has no expiry of its own. A function decides for every session; 0 or
   * less means that the session is over. The function must return a finite number, which is rounded up. Otherwise the
   * session is not written.
   *
   * @default 86_400
   */
  ttl?: number | ((data: SessionData) => number);
  /** Converts sessions to the stored text; it may keep more than JSON does. @default JSON */
  serializer?: SessionSerializer;
  /** Whether keys never expire. @default false */
  disableTTL?: boolean;
  /** Whether only a save moves the expiry. @default false */
  disableTouch?: boolean;
  /** How many keys one SCAN of `all`, `ids`, `length` and `clear` asks for. @default 100 */
  scanCount?: number;
}

/**
 * Characters that a prefix must not contain, because connect-redis scans with the prefix as a pattern. With "[" a
 * scan finds nothing, with "*" it finds the keys of others.
 */
const PATTERN = /[\\*?[\]]/;

const prefixRule: Rule = {
  expected: "text without any of * ? [ ] and backslash",
  isRight: (value) => isText(value) && !PATTERN.test(value),
};

/** The rules of the options. A backend uses them too. */
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
