import type { Request } from "express";
import { kindOf } from "../../options/options-object.ts";
import { Refusal } from "./refusal.ts";

/** Origins that may connect beside the server's own: a list of them, or a function that decides for each. */
export type Origins = readonly string[] | ((origin: string, req: Request) => boolean);

/** Refuses a handshake of a page that may not connect. The log shows what was compared. */
export function checkOrigin(req: Request, origins: Origins): void {
  if (isOriginAllowed(req, origins)) return;
  throw new Refusal(403, "Origin not allowed", {}, () => comparison(req, origins));
}

/**
 * Whether a handshake comes from a page that may connect. This check stops cross-site WebSocket hijacking: browsers send
 * cookies with every handshake, and let any page connect anywhere.
 *
 * Same origin means the same host and port as the request. A proxy may have terminated TLS, so an HTTPS page may connect
 * to a server that sees HTTP. An HTTP page may not connect to a secure server, because anybody on the line may have
 * written it. A handshake without an Origin header is not from a browser, and may connect.
 */
function isOriginAllowed(req: Request, origins: Origins): boolean {
  const { origin } = req.headers;
  if (origin === undefined) return true;
  if (typeof origins === "function") return answerOf(origins(origin, req));
  if (origins.includes(origin)) return true;
  // "null" is the origin of sandboxed frames and files, so anybody can have it.
  if (!ORIGIN.test(origin) || !URL.canParse(origin)) return false;
  const { host, protocol } = new URL(origin);
  return host === hostOf(req, protocol) && !isBelow(protocol, req);
}

/** An origin as browsers send it (RFC 6454, section 6.2). Other parts of a URL, such as user and path, are not compared. */
const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/[\w.:[\]-]+$/i;

/** Whether an HTTP page connects to a secure server. The server has TLS itself, or a proxy that the app trusts has. */
function isBelow(protocol: string, req: Request): boolean {
  return protocol === "http:" && req.secure;
}

/** Requires a boolean. Other truthy values would allow by mistake, such as a promise, or the -1 of `indexOf`. */
function answerOf(isAllowed: unknown): boolean {
  if (typeof isAllowed === "boolean") return isAllowed;
  // Nobody else handles the rejection.
  if (typeof Object(isAllowed).then === "function") Promise.resolve(isAllowed).catch(() => {});
  throw new TypeError(
    `webSocketSessions: option "origins" must answer at once with true or false, not with ${kindOf(isAllowed)}; ` +
      "do slow checks in authorize",
  );
}

/** Host and port of the request as a URL writes them, without the scheme's default port. */
function hostOf(req: Request, protocol: string): string | undefined {
  const url = `${protocol}//${givenHost(req).host}`;
  return URL.canParse(url) ? new URL(url).host : undefined;
}

/** Host and port as the client or a trusted proxy has sent them, and the name of the header. */
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

/** Most characters that scheme, host and port can have. */
const MAX_SHOWN = 270;

/** A client's text for the log. Queries and passwords, which no origin has, and control characters are removed. */
function readable(text = ""): string {
  const shown = text
    .replace(/[?#].*$/s, "")
    .replace(/\/\/[^/]*@/, "//")
    .replace(/[^ -~]/g, "?");
  return JSON.stringify(shown.length > MAX_SHOWN ? `${shown.slice(0, MAX_SHOWN)}…` : shown);
}
