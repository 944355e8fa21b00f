import type { Request } from "express";

/** Origins that may connect beside the server's own: a list of them, or a function that decides for each. */
export type Origins = readonly string[] | ((origin: string, req: Request) => boolean);

/**
 * Whether a handshake comes from a page that may connect. Browsers send cookies with every handshake and
 * keep no page from connecting anywhere, so this is what stops cross-site WebSocket hijacking.
 *
 * Same origin is the same host and port as the request's, the scheme aside, which a proxy may have changed.
 * A handshake without an Origin header is none of a browser, and may.
 */
export function isOriginAllowed(req: Request, origins: Origins): boolean {
  const { origin } = req.headers;
  if (origin === undefined) return true;
  if (typeof origins === "function") return answerOf(origins(origin, req));
  if (origins.includes(origin)) return true;
  // "null" is the origin of sandboxed frames and files: of anybody.
  return URL.canParse(origin) && new URL(origin).host === hostOf(req, new URL(origin).protocol);
}

/** A promise would be a yes, whatever comes of it. */
function answerOf(isAllowed: unknown): boolean {
  if (typeof Object(isAllowed).then === "function") {
    // Nobody else hears of it.
    Promise.resolve(isAllowed).catch(() => {});
    throw new TypeError(
      'webSocketSessions: option "origins" must answer at once; what takes time belongs into authorize',
    );
  }
  return Boolean(isAllowed);
}

/** Host and port that the client has asked for, without the scheme's own port, as a URL has it. */
function hostOf(req: Request, protocol: string): string | undefined {
  const trust = req.app.get("trust proxy fn") as (address: string | undefined, hop: number) => boolean;
  const forwarded = trust(req.socket.remoteAddress, 0)
    ? req.get("X-Forwarded-Host")?.split(",", 1)[0]?.trim()
    : undefined;
  const url = `${protocol}//${forwarded || req.headers.host}`;
  return URL.canParse(url) ? new URL(url).host : undefined;
}
