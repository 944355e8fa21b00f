import type { ServerResponse } from "node:http";
import { type SerializeOptions, serialize } from "cookie";
import type { SessionData } from "express-session";

type Cookie = SessionData["cookie"];

/** Adds the line that makes the client keep the session's cookie. */
export function setCookie(res: ServerResponse, name: string, value: string, cookie: Cookie): void {
  appendCookie(res, serialize(name, value, cookieData(cookie)));
}

/**
 * Adds the line that makes the client forget the session's cookie. Name, path and domain identify a cookie, and
 * browsers refuse a line without the attributes that the cookie's name or partition requires. Nothing is added if the
 * app has set a line for the same cookie.
 */
export function expireCookie(res: ServerResponse, name: string, cookie: Cookie): void {
  const line = serialize(name, "", { ...cookieData(cookie), expires: new Date(0) });
  if (!linesOf(res).some((other) => isSameCookie(other, line))) appendCookie(res, line);
}

/** Whether the cookie has expired. The client must then forget the cookie, and the store the session. */
export function isOver({ expires }: Cookie): boolean {
  return Boolean(expires) && new Date(expires as Date).getTime() <= Date.now();
}

/** The attributes of a Set-Cookie line, without those that are not set. */
export function cookieData(cookie: Cookie): SerializeOptions {
  const { originalMaxAge: _, ...attributes } = (cookie as unknown as { data: Record<string, unknown> }).data;
  return attributes as SerializeOptions;
}

/** Adds a Set-Cookie line to those of a response. */
export function appendCookie(res: ServerResponse, line: string): void {
  res.setHeader("Set-Cookie", [...linesOf(res), line]);
}

function linesOf(res: ServerResponse): string[] {
  const earlier = res.getHeader("Set-Cookie");
  return earlier === undefined ? [] : [earlier].flat().map(String);
}

function isSameCookie(line: string, other: string): boolean {
  return identityOf(line) === identityOf(other);
}

/** Name, path and domain of a Set-Cookie line. */
function identityOf(line: string): string {
  const [pair = "", ...attributes] = line.split(";");
  const name = pair.split("=", 1)[0]?.trim();
  const [path] = valuesOf("path", attributes);
  const [domain = ""] = valuesOf("domain", attributes);
  return JSON.stringify([name, path, domain.toLowerCase().replace(/^\./, "")]);
}

/** The values of an attribute. The value that counts comes first. */
function valuesOf(name: string, attributes: readonly string[]): string[] {
  const values = attributes.flatMap((attribute) => {
    const [given = "", value = ""] = attribute.split("=", 2);
    return given.trim().toLowerCase() === name ? [value.trim()] : [];
  });
  return values.reverse();
}
