import type { Rule } from "../../options/rule.ts";

/** The rule of webSocketSessions' option `origins`. A value that browsers never send would never match. */
export const originsRule: Rule = {
  expected: "an array of origins, each scheme://host[:port] as browsers send it, or a function of the origin",
  isRight: (value) => typeof value === "function" || (Array.isArray(value) && value.every(isOrigin)),
  fix(value) {
    if (typeof value === "string") return "put it into an array";
    if (!Array.isArray(value)) return undefined;
    const wrong: unknown = value.find((origin) => !isOrigin(origin));
    if (typeof wrong !== "string") return "each is a string";
    if (wrong.includes("*")) return 'there is no "*": name each one, or give a function';
    if (wrong === "null")
      return '"null" is the origin of anybody\'s sandboxed frame: only a function can let it in';
    const right = normal(wrong);
    return right ? `write ${JSON.stringify(right)}` : 'write it as "https://app.example.com"';
  },
};

/** Schemes whose pages have an origin of scheme, host and port (the special ones of the URL standard). */
const WEB = /^(https?|wss?):\/\//i;

/** Schemes whose pages have no origin of their own. */
const NO_PAGES = /^(about|blob|data|ftp|javascript|mailto):/i;

/** Whether a browser may send it so. Schemes of apps, such as `capacitor://localhost`, are taken as they are. */
function isOrigin(value: unknown): boolean {
  if (typeof value !== "string") return false;
  if (WEB.test(value)) return normal(value) === value;
  if (NO_PAGES.test(value)) return false;
  return value === "file://" || /^[a-z][a-z\d+.-]*:\/\/[a-z\d_.-]+(:\d+)?$/.test(value);
}

/** The origin of a page at this address, or at this host, as a browser sends it. */
function normal(text: string): string | undefined {
  const address = /^[a-z][a-z\d+.-]*:\/\//i.test(text)
    ? text
    : `${isLocal(text) ? "http" : "https"}://${text}`;
  const page = address.replace(/^ws/i, "http");
  if (!WEB.test(page) || !URL.canParse(page)) return undefined;
  const { protocol, host, hostname } = new URL(page);
  if (hostname.includes("*")) return undefined;
  return `${protocol}//${host.replace(/\.(?=:\d+$|$)/, "")}`;
}

function isLocal(host: string): boolean {
  return /^(localhost|127\.|\[)/i.test(host);
}
