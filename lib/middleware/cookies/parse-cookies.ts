import type { IncomingMessage } from "node:http";
import { parse } from "cookie";

/** Cookies by name. */
export type Cookies = Readonly<Record<string, string | undefined>>;

const QUOTE = 34;

/** The header that was parsed last. The middlewares of a request ask for the same header one after the other. */
let lastHeader = "";
let lastCookies: Cookies = parseCookies("", decodeOrLeave);

/** The request's cookies, parsed once for all middlewares that ask. */
export function requestCookies({ headers }: IncomingMessage): Cookies {
  const header = headers.cookie ?? "";
  if (header !== lastHeader) {
    lastCookies = parseCookies(header, decodeOrLeave);
    lastHeader = header;
  }
  return lastCookies;
}

/**
 * Parses a Cookie header. Quotes around a value are no part of it (RFC 6265, section 4.1.1). The package cookie no
 * longer removes them.
 */
export function parseCookies(header: string, decode: (value: string) => string): Cookies {
  return parse(header, { decode: (value) => decode(withoutQuotes(value)) });
}

function withoutQuotes(value: string): string {
  return value.charCodeAt(0) === QUOTE ? value.replace(/^"(.*)"$|^"$/, "$1") : value;
}

function decodeOrLeave(value: string): string {
  if (!value.includes("%")) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
