import type { IncomingMessage } from "node:http";
import { pathnameOf } from "../../middleware/pathname-of.ts";
import type { Rule } from "../../options/rule.ts";

/** The rule of webSocketSessions' option `path`. A value that no request target equals would never match. */
export const pathRule: Rule = {
  expected: 'a path that begins with "/", without pattern and query',
  isRight: (value) => typeof value === "string" && !isPattern(value) && targetOf(value) === value,
  fix(value) {
    if (typeof value !== "string" || isPattern(value))
      return "there are no patterns: leave path out, which takes every path, and decide by req.path in authorize";
    const target = targetOf(value);
    return target === undefined ? undefined : `write ${JSON.stringify(target)}`;
  },
};

/** Whether a request asks for a path. Without a path it may ask for any. */
export function isAtPath({ url = "/" }: IncomingMessage, path: string | undefined): boolean {
  return path === undefined || pathnameOf(url) === path;
}

/** Parameters, wildcards and groups as Express 4 or 5, or any router, has them. */
function isPattern(path: string): boolean {
  return /:\w|[*()[\]{}]/.test(path);
}

/** How a client asks for a path: encoded, and without what it does not send. */
function targetOf(path: string): string | undefined {
  // A "%" that begins no byte is taken by no router.
  const encoded = path.replace(/%(?![\da-f]{2})/gi, "%25");
  const url = `http://host${encoded.startsWith("/") ? "" : "/"}${encoded}`;
  return URL.canParse(url) ? new URL(url).pathname : undefined;
}
