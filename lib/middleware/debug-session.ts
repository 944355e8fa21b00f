import createDebug from "debug";
import type { Request } from "express";
import { codeOf } from "../errors.ts";
import { pathnameOf } from "./pathname-of.ts";

const debug = createDebug("express-session-stack:session");

/** Writes what happened to a session of a request or connection to the debug output; no id, contents or cookie. */
export function debugSession(req: Request, happened: string): void {
  if (debug.enabled) debug("%s %s: %s", req.method, pathnameOf(req.originalUrl ?? req.url), happened);
}

/** Writes to the debug output that sessions of a user were ended. The line names no request. */
export function debugDeletion(count: number): void {
  debug("sessions of a user: %d deleted", count);
}

/** Whether the debug output is on. If it is off, the facts that only the output needs are not computed. */
export function isDebugged(): boolean {
  return debug.enabled;
}

/** The part of an error that may be written. The message is left out, because it may contain anything of anybody. */
export function briefly(error: unknown): string {
  return codeOf(error) ?? "an error of the app";
}
