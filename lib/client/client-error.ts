import type { ProtocolErrorCode } from "../realtime/messages/protocol.ts";

/**
 * The code of an error: why a message was not sent, or why a request was not answered.
 *
 * - `timeout`: no answer came in `requestTimeoutMs`. A request that was not sent by then is never sent.
 * - `closed`: the connection was lost after the request was sent, so nobody knows whether it was handled. Or the client
 *   has ended. A request with `retry` waits for the next connection instead.
 * - `queue_full`: `maxQueuedMessages` wait already.
 * - `not_sent`: the WebSocket has refused the message, and threw the error's `cause`. The message is not tried again.
 *
 * Any other code comes from the server's answer.
 */
export type RealtimeClientErrorCode =
  | "timeout"
  | "closed"
  | "queue_full"
  | "not_sent"
  | ProtocolErrorCode
  | (string & {});

/** The error of a message that was not sent, was answered with an error, or was not answered at all. */
export class RealtimeClientError extends Error {
  /** Always this class's name. */
  override readonly name = "RealtimeClientError";
  /** The code of the error, for programs. */
  declare readonly code: RealtimeClientErrorCode;

  constructor(code: RealtimeClientErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
