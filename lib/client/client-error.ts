import type { ProtocolErrorCode } from "../realtime/messages/protocol.ts";

/**
 * Why a message was not sent, or a request not answered.
 *
 * - `timeout`: no answer came in `requestTimeoutMs`. One that had not left until then never will.
 * - `closed`: the connection was lost after the request was sent, so nobody knows whether it was handled; or the client
 *   has ended.
 * - `queue_full`: `maxQueuedMessages` wait already.
 * - `not_sent`: the WebSocket has refused the message, and threw the error's `cause`. It is not tried again.
 *
 * Any other is the server's answer.
 */
export type RealtimeClientErrorCode =
  | "timeout"
  | "closed"
  | "queue_full"
  | "not_sent"
  | ProtocolErrorCode
  | (string & {});

/** A message that was not sent, or was answered with an error, or not at all. */
export class RealtimeClientError extends Error {
  /** Always this class's name. */
  override readonly name = "RealtimeClientError";
  /** What went wrong, for programs. */
  readonly code: RealtimeClientErrorCode;

  constructor(code: RealtimeClientErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
