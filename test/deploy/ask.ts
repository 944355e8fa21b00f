import { once } from "node:events";
import { type IncomingMessage, type RequestOptions, request } from "node:http";
import { request as requestOverTls } from "node:https";
import type { Socket } from "node:net";
import { type CookieJar, cookieHeaders } from "../support/cookie-jar.ts";

/** Asks once: no answer is asked for again, as `fetch` and browsers would. */
export async function ask(
  url: string,
  options: RequestOptions & { ca?: Buffer },
  jar: CookieJar = new Map(),
  onNewLine?: (line: Socket) => void,
): Promise<IncomingMessage> {
  const make = url.startsWith("https:") ? requestOverTls : request;
  const headers = { ...cookieHeaders(jar), ...options.headers };
  const sent = make(url, { ...options, headers, timeout: 20_000 });
  sent.on("timeout", () => sent.destroy(new Error("no answer in 20 seconds")));
  if (onNewLine)
    sent.once("socket", (line) => {
      if (!sent.reusedSocket) onNewLine(line);
    });
  const answered = once(sent, "response");
  sent.end();
  const [answer] = await answered;
  return answer;
}
