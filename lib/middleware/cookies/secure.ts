import type { Request } from "express";

/**
 * Whether a request came over TLS, as express-session decides it. The socket decides first. Otherwise the proxy's
 * header decides if `proxy` is true, and Express's own `req.secure` decides if `proxy` is undefined.
 */
export function isSecure(req: Request, proxy: boolean | undefined): boolean {
  if ("encrypted" in req.socket && req.socket.encrypted) return true;
  if (proxy === false) return false;
  if (proxy === undefined) return req.secure === true;
  const [first = ""] = String(req.headers["x-forwarded-proto"] ?? "").split(",", 1);
  return first.trim().toLowerCase() === "https";
}
