import { parse } from "cookie";

/** Cookies by name. Quotes around a value are no part of it (RFC 6265, section 4.1.1), which the package cookie no longer knows. */
export function parseCookies(
  header: string,
  decode: (value: string) => string = decodeOrLeave,
): Record<string, string | undefined> {
  return parse(header, { decode: (value) => decode(value.replace(/^"(.*)"$|^"$/, "$1")) });
}

function decodeOrLeave(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
