import type { Request } from "express";
import { kindOf } from "../../options/options-object.ts";
import { Refusal } from "./refusal.ts";

/** Origins that may connect beside the server's own: a list of them, or a function that decides for each. */
export type Origins = readonly string[] | ((origin: string, req: Request) => boolean);

/** Refuses a handshake of a page that may not connect, and says to the log what was compared with what. */
export function checkOrigin(req: Request, origins: Origins): void {
  if (isOriginAllowed(req, origins)) return;
  throw new Refusal(403, "Origin not allowed", {}, () => comparison(req, origins));
}

/**
 * Whether a handshake comes from a page that may connect. Browsers send cookies with every handshake and
 * keep no page from connecting anywhere, so this is what stops cross-site WebSocket hijacking.
 *
 * Same origin is the same host and port as the request's. A proxy may have taken TLS off, so a page by HTTPS may connect to
 * a server that sees none; a page by HTTP, which anybody on the line may have written, may not connect to a secure one.
 * A handshake without an Origin header is none of a browser, and may.
 */
function isOriginAllowed(req: Request, origins: Origins): boolean {
  const { origin } = req.headers;
  if (origin === undefined) return true;
  if (typeof origins === "function") return answerOf(origins(origin, req));
  if (origins.includes(origin)) return true;
  // "null" is the origin of sandboxed frames and files: of anybody.
  if (!ORIGIN.test(origin) || !URL.canParse(origin)) return false;
  const { host, protocol } = new URL(origin);
  return host === hostOf(req, protocol) && !isBelow(protocol, req);
}

/** What browsers send (RFC 6454, section 6.2): a URL has a user, a path and more beside it, of which none is compared. */
const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/[\w.:[\]-]+$/i;

/** Whether a page came by HTTP to a server that knows its connection as secure, itself or by a proxy that the app trusts. */
function isBelow(protocol: string, req: Request): boolean {
  return protocol === "http:" && req.secure;
}

/** Whatever else is truthy, such as a promise, or what `indexOf` says of an origin that is in no list, would be a yes. */
function answerOf(isAllowed: unknown): boolean {
  if (typeof isAllowed === "boolean") return isAllowed;
  // Nobody else hears of it.
  if (typeof Object(isAllowed).then === "function") Promise.resolve(isAllowed).catch(() => {});
  throw new TypeError(
    `webSocketSessions: option "origins" must answer at once with true or false, not with ${kindOf(isAllowed)}; ` +
      "what takes time belongs into authorize",
  );
}

/** Host and port that the client has asked for, without the scheme's own port, as a URL has it. */
function hostOf(req: Request, protocol: string): string | undefined {
  const url = `${protocol}//${givenHost(req).host}`;
  return URL.canParse(url) ? new URL(url).host : undefined;
}

/** Host and port as the client, or a proxy that the app trusts, has sent them, and by which header. */
function givenHost(req: Request): { readonly host: string | undefined; readonly header: string } {
  const trust = req.app.get("trust proxy fn") as (address: string | undefined, hop: number) => boolean;
  const forwarded = trust(req.socket.remoteAddress, 0)
    ? req.get("X-Forwarded-Host")?.split(",", 1)[0]?.trim()
    : undefined;
  return forwarded
    ? { host: forwarded, header: "X-Forwarded-Host" }
    : { host: req.headers.host, header: "Host" };
}

function comparison(req: Request, origins: Origins): string {
  const origin = readable(req.headers.origin);
  if (typeof origins === "function") return `the function "origins" said no to the origin ${origin}`;
  const { host, header } = givenHost(req);
  const listed =
    origins.length === 0 ? "origins is empty" : `origins has ${origins.map(readable).join(", ")}`;
  const what = req.secure ? "secure host" : "host";
  return `the origin ${origin} is not of the ${what} ${readable(host)}, by ${header}, and ${listed}`;
}

/** As many characters as a host's name can have, and its scheme and port. */
const MAX_SHOWN = 270;

/** What a client has sent, for a log: without queries and passwords, which no origin has, and without control characters. */
function readable(text = ""): string {
  const shown = text
    .replace(/[?#].*$/s, "")
    .replace(/\/\/[^/]*@/, "//")
    .replace(/[^ -~]/g, "?");
  return JSON.stringify(shown.length > MAX_SHOWN ? `${shown.slice(0, MAX_SHOWN)}…` : shown);
}
