import createDebug from "debug";
import type { Request } from "express";
import { codeOf } from "../errors.ts";
import { pathnameOf } from "./pathname-of.ts";

const debug = createDebug("express-session-stack:session");

/** Says in the debug output what has become of a request's or connection's session; never its id, contents or cookie. */
export function debugSession(req: Request, happened: string): void {
  if (debug.enabled) debug("%s %s: %s", req.method, pathnameOf(req.originalUrl ?? req.url), happened);
}

/** Says that sessions of a user were ended at a request of nobody's. */
export function debugDeletion(count: number): void {
  debug("sessions of a user: %d deleted", count);
}

/** Whether anybody reads it: what has to be found out for it costs nothing else. */
export function isDebugged(): boolean {
  return debug.enabled;
}

/** What may be said of an error: its message may be of anybody. */
export function briefly(error: unknown): string {
  return codeOf(error) ?? "an error of the app";
}
