import type { Request } from "express";

/**
 * Whether a request came over TLS, as express-session decides it: by the socket, else by what the proxy says
 * if `proxy` is true, else by Express's own `req.secure` unless `proxy` is false.
 */
export function isSecure(req: Request, proxy: boolean | undefined): boolean {
  if ("encrypted" in req.socket && req.socket.encrypted) return true;
  if (proxy === false) return false;
  if (proxy === undefined) return req.secure === true;
  const [first = ""] = String(req.headers["x-forwarded-proto"] ?? "").split(",", 1);
  return first.trim().toLowerCase() === "https";
}
