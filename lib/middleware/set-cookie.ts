import type { SerializeOptions } from "cookie";
import type { Response } from "express";
import type { SessionData } from "express-session";

/** The attributes of a Set-Cookie line, without those that are not set. */
export function cookieData(cookie: SessionData["cookie"]): SerializeOptions {
  const { originalMaxAge: _, ...attributes } = (cookie as unknown as { data: Record<string, unknown> }).data;
  return attributes as SerializeOptions;
}

/** Adds a Set-Cookie line to those of a response. */
export function appendCookie(res: Response, line: string): void {
  const earlier = res.getHeader("Set-Cookie");
  res.setHeader("Set-Cookie", earlier === undefined ? [line] : [earlier, line].flat().map(String));
}
