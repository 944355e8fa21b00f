import { isNameLength, MAX_NAME_LENGTH } from "../../names/name.ts";

/** Data of events: an object, whose contents nothing has checked unless a schema or the types say so. */
// biome-ignore lint/suspicious/noExplicitAny: as with Express's `req.body`, what a client sends is anything until it is checked
export type EventData = Record<string, any>;

/** What a client may name a message, to have it answered. */
export type MessageId = string | number;

/** What a client has sent. */
export interface IncomingEvent {
  readonly type: string;
  readonly data: EventData;
  readonly id: MessageId | undefined;
}

/** What is wrong with a message; each is answered, and the connection lives on. */
export type ProtocolErrorCode =
  | "binary_frame"
  | "bad_json"
  | "bad_message"
  | "bad_id"
  | "unknown_event"
  | "invalid_data"
  | "handler_failed"
  | "handler_timeout";

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

/** The event with which clients say that their user is there. */
export const HEARTBEAT = "session.heartbeat";

/** How heartbeats are answered. */
export const HEARTBEAT_ANSWER: string = JSON.stringify({ status: "success" });

/** Whatever text has a `__proto__` key: the name itself, or an escape of one of its characters. */
const MAY_HIDE_PROTO = /__proto__|\\u00(?:5f|6f|7[024])/i;

/**
 * Reads a text message of a client. `undefined` is the answer to a heartbeat of the server. Data that nobody handles is
 * looked into no further.
 *
 * @throws {ProtocolError} with what is wrong.
 */
export function parseMessage(text: string, isHandled: (type: string) => boolean): IncomingEvent | undefined {
  const message = parseJson(text);
  if (typeof message !== "object" || message === null || Array.isArray(message))
    throw new ProtocolError("bad_message", "A message must be a JSON object");
  const { event_type: type, data = {}, id, status } = message as Record<string, unknown>;
  if (type === undefined && id === undefined && status === "success") return undefined;
  if (id !== undefined && !isMessageId(id))
    throw new ProtocolError("bad_id", '"id" must be a string or a number');
  if (typeof type !== "string" || type === "")
    throw new ProtocolError("bad_message", '"event_type" must be a string, and not empty', id);
  if (typeof data !== "object" || data === null || Array.isArray(data))
    throw new ProtocolError("bad_message", '"data" must be an object', id);
  if (type !== HEARTBEAT && !isHandled(type)) throw unknownEvent(id);
  // A key of that name is harmless until the data is merged into something: rather nobody has to think of it.
  if (MAY_HIDE_PROTO.test(text) && hasProtoKey(message))
    throw new ProtocolError("bad_message", 'No key may be "__proto__"', id);
  return { type, data, id };
}

export function unknownEvent(id: MessageId | undefined): ProtocolError {
  return new ProtocolError("unknown_event", "Nothing handles events of this type", id);
}

/** An event of the server. @throws {TypeError} for data that is no object, or no JSON. */
export function eventText(type: string, data: EventData = {}): string {
  if (!isNameLength(type))
    throw new TypeError(
      `send: expected the type of the event, a string of 1 to ${MAX_NAME_LENGTH} characters`,
    );
  if (typeof data !== "object" || data === null || Array.isArray(data))
    throw new TypeError("send: expected the data of the event, an object");
  return JSON.stringify({ event_type: type, data });
}

/** The answer to an event that was handled. */
export function answerText(id: MessageId | undefined, data: unknown): string {
  return JSON.stringify({ id, status: "success", data });
}

/** The answer to a message that was not. */
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

/** 1e999 is a number of JSON, and would be null in the answer. */
function isMessageId(id: unknown): id is MessageId {
  return typeof id === "string" || Number.isFinite(id);
}

/** Whether an object has an own key `__proto__` anywhere, however deep: the parser goes down without a stack, and so does this. */
function hasProtoKey(root: object): boolean {
  const waiting: object[] = [root];
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    if (!Array.isArray(node) && Object.hasOwn(node, "__proto__")) return true;
    for (const value of Array.isArray(node) ? node : Object.values(node))
      if (typeof value === "object" && value !== null) waiting.push(value);
  }
  return false;
}
