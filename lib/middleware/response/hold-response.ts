import type { ServerResponse } from "node:http";

/** A response whose end waits for something. */
export interface HeldResponse {
  /** Gives the response back as it was when it was held. */
  release(): void;
  /** Gives the response back for another answer. The headers that described the held body are removed. */
  discard(): void;
}

/** Headers that describe a body. They would be wrong for another body. */
const BODY_HEADERS = [
  "Content-Type",
  "Content-Length",
  "Content-Encoding",
  "Content-Language",
  "Content-Range",
  "Content-Disposition",
  "Transfer-Encoding",
  "ETag",
  "Last-Modified",
  "Location",
  "Cache-Control",
];

/**
 * Keeps the head of an ended response as it is until the response is released.
 *
 * The handler is done. Headers or data that an error handler or a second answer sets or writes late have no effect.
 * `headersSent` stays false nevertheless. Express closes the connection of a response that fails after its head was
 * sent, but nothing of the held response has been sent. If the save fails, the client can still be told.
 */
export function holdResponse(res: ServerResponse): HeldResponse {
  if (res.headersSent) return { release() {}, discard() {} };
  const { statusCode, statusMessage, writeHead, write } = res;
  const headers = res.getHeaders();

  res.write = (() => false) as typeof res.write;
  res.writeHead = (() => {
    throw Object.assign(new Error("Cannot write headers after they are sent to the client"), {
      code: "ERR_HTTP_HEADERS_SENT",
    });
  }) as typeof res.writeHead;

  function release(): void {
    Object.assign(res, { write, writeHead, statusCode, statusMessage });
    for (const name of res.getHeaderNames()) if (!(name in headers)) res.removeHeader(name);
    for (const name in headers) {
      const value = headers[name];
      if (value !== undefined && res.getHeader(name) !== value) res.setHeader(name, value);
    }
  }

  function discard(): void {
    release();
    for (const name of BODY_HEADERS) res.removeHeader(name);
  }

  return { release, discard };
}
