import { isBackend } from "../backend/backend.ts";
import { hasMethods, type Rule } from "../options/rule.ts";
import { isSessionStore } from "../sessions/session-store.ts";

/** The rule of sessionMiddleware's option `store`. */
export const storeRule: Rule = {
  expected: "an instance of an express-session store",
  isRight: (value) =>
    typeof value === "object" &&
    value !== null &&
    (isSessionStore(value) || (hasMethods(value, "get", "set", "destroy", "on") && fix(value) === undefined)),
  fix,
};

/** Advice for a value that looks nearly like a store, but would fail with the first session. */
function fix(value: unknown): string | undefined {
  if (hasMethods(value, "evalSha") || hasMethods(value, "sendCommand"))
    return 'give a Redis client to redisBackend({ client }), and that to "backend"';
  if (isBackend(value)) return 'a backend is for "backend"';
  if (hasMethods(value, "get") && "scanCount" in Object(value) && !(value as { client?: unknown }).client)
    return "make connect-redis's as new RedisStore({ client })";
  return undefined;
}
