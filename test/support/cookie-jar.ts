/**
 * Cookies by name, with their values as they were sent; Path, Domain and Secure are ignored.
 *
 * A `Set-Cookie` line removes a cookie, and its expiry alone does not. So the server must refuse an expired session:
 * the jar does not forget it.
 */
export type CookieJar = Map<string, string>;

export function keepCookies(jar: CookieJar, setCookies: readonly string[]): void {
  for (const line of setCookies) {
    const [pair = "", ...attributes] = line.split(";");
    const [name, value] = split(pair);
    if (isExpired(new Map(attributes.map(split).map(([key, text]) => [key.toLowerCase(), text])))) {
      jar.delete(name);
    } else {
      jar.set(name, value);
    }
  }
}

/** The headers that carry the cookies: none when there are none. */
export function cookieHeaders(jar: CookieJar): { cookie?: string } {
  if (jar.size === 0) return {};
  return { cookie: Array.from(jar, ([name, value]) => `${name}=${value}`).join("; ") };
}

function split(pair: string): [name: string, value: string] {
  const equals = pair.indexOf("=");
  if (equals === -1) return [pair.trim(), ""];
  return [pair.slice(0, equals).trim(), pair.slice(equals + 1).trim()];
}

/** Max-Age goes before Expires (RFC 6265, section 5.3). */
function isExpired(attributes: Map<string, string>): boolean {
  const maxAge = attributes.get("max-age");
  if (maxAge !== undefined) return Number(maxAge) <= 0;
  const expires = attributes.get("expires");
  return expires !== undefined && Date.parse(expires) <= Date.now();
}
