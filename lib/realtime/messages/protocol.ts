import { isNameLength, MAX_NAME_LENGTH } from "../../names/name.ts";

/** Data of events: an object. Nothing has checked its contents, unless a schema or the types say so. */
// biome-ignore lint/suspicious/noExplicitAny: as with Express's `req.body`, what a client sends is anything until it is checked
export type EventData = Record<string, any>;

/** The id that a client may give a message. A message with an id is answered. */
export type MessageId = string | number;

/** An event that a client has sent. */
export interface IncomingEvent {
  readonly type: string;
  readonly data: EventData;
  readonly id: MessageId | undefined;
  /** The key of a request that the client may repeat. */
  readonly key: string | undefined;
}

/** Matches the keys of requests. */
const KEY = /^[\w-]{16,64}$/;

/** The code of an error in a message. The error is the answer to the message, and the connection stays open. */
export type ProtocolErrorCode =
  | "binary_frame"
  | "bad_json"
  | "bad_message"
  | "bad_id"
  | "unknown_event"
  | "invalid_data"
  | "handler_failed"
  | "handler_timeout"
  | "not_in_channel"
  | "history_lost"
  | "outcome_unknown"
  | "retry_unsupported";

/** A message that is answered with an error. */
export class ProtocolError extends Error {
  readonly code: string;
  readonly id: MessageId | undefined;

  constructor(code: ProtocolErrorCode | (string & {}), message: string, id?: MessageId) {
    super(message);
    this.code = code;
    this.id = id;
  }
}

/** The event by which a client says that its user is there. */
export const HEARTBEAT = "session.heartbeat";

/** The answer to a heartbeat. */
export const HEARTBEAT_ANSWER: string = JSON.stringify({ status: "success" });

/** Matches each text that may have a `__proto__` key: the name itself, or an escape of one of its characters. */
const MAY_HIDE_PROTO = /__proto__|\\u00(?:5f|6f|7[024])/i;

/**
 * Reads a text message of a client. The result is `undefined` if the message answers a heartbeat of the server. If the
 * event has no handler, its data is not checked any further.
 *
 * @throws {ProtocolError} that says what is wrong with the message.
 */
export function parseMessage(text: string, isHandled: (type: string) => boolean): IncomingEvent | undefined {
  const message = parseJson(text);
  if (typeof message !== "object" || message === null || Array.isArray(message))
    throw new ProtocolError("bad_message", "A message must be a JSON object");
  const { event_type: type, data = {}, id, key, status } = message as Record<string, unknown>;
  if (type === undefined && id === undefined && status === "success") return undefined;
  if (id !== undefined && !isMessageId(id))
    throw new ProtocolError("bad_id", '"id" must be a string or a number');
  if (typeof type !== "string" || type === "")
    throw new ProtocolError("bad_message", '"event_type" must be a string, and not empty', id);
  if (typeof data !== "object" || data === null || Array.isArray(data))
    throw new ProtocolError("bad_message", '"data" must be an object', id);
  if (key !== undefined && (id === undefined || typeof key !== "string" || !KEY.test(key)))
    throw new ProtocolError("bad_message", '"key" must have 16 to 64 of A-Z a-z 0-9 _ -, beside an "id"', id);
  if (type !== HEARTBEAT && !isHandled(type)) throw unknownEvent(id);
  // Such a key is harmless until an app merges the data into an object. The check spares apps that danger.
  if (MAY_HIDE_PROTO.test(text) && hasProtoKey(message))
    throw new ProtocolError("bad_message", 'No key may be "__proto__"', id);
  return { type, data, id, key: key as string | undefined };
}

export function unknownEvent(id: MessageId | undefined): ProtocolError {
  return new ProtocolError("unknown_event", "Nothing handles events of this type", id);
}

/** The text of an event of the server. @throws {TypeError} for data that is no object, or no JSON. */
export function eventText(type: string, data: EventData = {}): string {
  if (!isNameLength(type))
    throw new TypeError(
      `send: expected the type of the event, a string of 1 to ${MAX_NAME_LENGTH} characters`,
    );
  if (typeof data !== "object" || data === null || Array.isArray(data))
    throw new TypeError("send: expected the data of the event, an object");
  return JSON.stringify({ event_type: type, data });
}

/** Data of an answer that is JSON already. */
export class RawJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** The answer to an event that was handled. */
export function answerText(id: MessageId | undefined, data: unknown): string {
  if (data instanceof RawJson) return `{"id":${JSON.stringify(id)},"status":"success","data":${data.text}}`;
  return JSON.stringify({ id, status: "success", data });
}

/** The answer to a message that was not handled. */
export function errorText({ id, code, message }: ProtocolError): string {
  return JSON.stringify({ id, status: "error", error: { code, message } });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own error is not passed on: it quotes what it could not read.
    throw new ProtocolError("bad_json", "A message must be JSON");
  }
}

/** Refuses numbers that are not finite: JSON may contain 1e999, which would become null in the answer. */
function isMessageId(id: unknown): id is MessageId {
  return typeof id === "string" || Number.isFinite(id);
}

/**
 * Whether an object has an own key `__proto__` at any depth. Like the JSON parser, this uses no recursion: the data
 * may be nested deeper than the call stack.
 */
function hasProtoKey(root: object): boolean {
  const waiting: object[] = [root];
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    if (!Array.isArray(node) && Object.hasOwn(node, "__proto__")) return true;
    for (const value of Array.isArray(node) ? node : Object.values(node))
      if (typeof value === "object" && value !== null) waiting.push(value);
  }
  return false;
}
