import { createHash } from "node:crypto";
import type { ReceivedResponse } from "./responses.ts";

/** The origins that the node lets in beside its own. */
const LISTED = ["https://app.example.com"];
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** What a handshake's head says, read without any of the library. */
interface Head {
  readonly line: string;
  /** Values by lower-case names, in their order. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
}

/** The key of a right handshake of an allowed origin (RFC 6455, section 4.2.1) at the beginning of bytes, if there is one. */
export function keyOfRightHandshake(bytes: string): string | undefined {
  const head = headAt(bytes);
  if (!head) return undefined;
  const only = (name: string) => {
    const values = head.headers.get(name) ?? [];
    return values.length === 1 ? values[0] : undefined;
  };
  const [, target] = /^GET (\S+) HTTP\/1\.1$/.exec(head.line) ?? [];
  const host = only("host");
  const key = only("sec-websocket-key");
  const tokens = (head.headers.get("connection") ?? []).join(",").toLowerCase().split(",");
  const isRight =
    target !== undefined &&
    /^(?:[a-z][a-z\d+.-]*:\/\/[^/?#]+)?\/ws(?:[?#]|$)/i.test(target) &&
    host !== undefined &&
    tokens.some((token) => token.trim() === "upgrade") &&
    only("upgrade")?.toLowerCase() === "websocket" &&
    only("sec-websocket-version") === "13" &&
    isAllowed(head.headers.get("origin") ?? [], host);
  return isRight && /^[A-Za-z\d+/]{22}==$/.test(key ?? "") ? key : undefined;
}

/** Whether a 101 is the one that belongs to a key. */
export function isAnswerTo(key: string, { headers }: ReceivedResponse): boolean {
  return headers.get("sec-websocket-accept") === createHash("sha1").update(`${key}${GUID}`).digest("base64");
}

function headAt(bytes: string): Head | undefined {
  // Empty lines before a request are to be ignored (RFC 9112, section 2.2).
  const [text] = bytes.replace(/^[\r\n]+/, "").split("\r\n\r\n", 1) as [string];
  const [line = "", ...lines] = text.split("\r\n");
  const headers = new Map<string, string[]>();
  for (const each of lines) {
    const [, name, value = ""] = /^([!#$%&'*+\-.^_`|~\w]+):[ \t]*([^\0\r\n]*?)[ \t]*$/.exec(each) ?? [];
    if (name === undefined) return undefined;
    headers.set(name.toLowerCase(), [...(headers.get(name.toLowerCase()) ?? []), value]);
  }
  return { line, headers };
}

function isAllowed(origins: readonly string[], host: string): boolean {
  const [origin] = origins;
  if (origin === undefined) return true;
  if (origins.length > 1) return false;
  if (LISTED.includes(origin)) return true;
  if (!URL.canParse(origin)) return false;
  const { protocol, host: ofOrigin } = new URL(origin);
  const own = `${protocol}//${host}`;
  return URL.canParse(own) && ofOrigin !== "" && ofOrigin === new URL(own).host;
}
