import { type OutgoingHttpHeaders, type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";

/** The reason why a handshake is refused. It is thrown at any step, and answered with a complete HTTP response. */
export class Refusal extends Error {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  /** Details for the log, which the client does not get. */
  readonly detail: (() => string) | undefined;

  constructor(status: number, message: string, headers: OutgoingHttpHeaders = {}, detail?: () => string) {
    super(message);
    this.status = status;
    this.headers = headers;
    this.detail = detail;
  }
}

/** The refusal for an error, by its status and headers, as Express's final handler reads them. Any other error is a 500. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  const { status, statusCode, headers } = Object(error) as {
    status?: unknown;
    statusCode?: unknown;
    headers?: OutgoingHttpHeaders | null;
  };
  const given = Number(status ?? statusCode);
  const fits = Number.isInteger(given) && given >= 400 && given <= 599;
  return new Refusal(fits ? given : 500, STATUS_CODES[fits ? given : 500] ?? "Refused", headers ?? {});
}

/** Answers and closes. A response that the app has begun itself is left to it. */
export function refuse(res: ServerResponse, { status, message, headers }: Refusal): void {
  if (res.headersSent) {
    if (!res.writableEnded) res.end();
    return;
  }
  res.statusCode = status;
  for (const [name, value] of Object.entries(headers)) {
    try {
      if (value !== undefined) res.setHeader(name, value);
    } catch {
      // An error's headers may be anything; the refusal is sent without those that cannot be.
    }
  }
  res.setHeader("Content-Type", "text/plain; charset=utf-8");
  res.setHeader("Content-Length", Buffer.byteLength(message));
  res.end(message);
}

/** Destroys a failing line. All lines share this function. */
export function destroyIt(this: Duplex): void {
  this.destroy();
}
