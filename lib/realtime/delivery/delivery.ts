import type { Position } from "../../history/history.ts";
import { OutgoingMessage } from "../../lines/batch.ts";

/** Takes the messages of a channel. */
export interface Receiver {
  readonly id: string;
  /** Takes a message of a channel. */
  push(message: OutgoingMessage, channel: string): void;
  /**
   * Takes the position of a channel, before any later message of the channel. `hasMoved` says that it took an earlier one
   * before, and asks for what lies between.
   */
  positioned?(channel: string, position: Position, hasMoved: boolean): void;
}

/** Ends the id of the connection that a message is not for. An id has no line break, and neither has JSON. */
const SEPARATOR = "\n";

/** Returns a message as it goes over the bus: for all connections, or for all except one. */
export function addressed(text: string, exceptId: string = ""): string {
  return exceptId + SEPARATOR + text;
}

/** Stands in place of a connection's id in what tells that a user has left a group. */
const LEFT = "left";

/**
 * Returns the message on a user's channel that the user has left a group. A node of an older version delivers it as an event
 * that no client listens for.
 */
export function leaving(group: string): string {
  return addressed(JSON.stringify({ event_type: "session.left", data: { group } }), LEFT);
}

/** The group that a message tells the user to have left; `undefined` of any other message. */
export function leftGroup(message: string): string | undefined {
  if (!message.startsWith(LEFT + SEPARATOR)) return undefined;
  try {
    return JSON.parse(message.slice(LEFT.length + SEPARATOR.length)).data.group;
  } catch {
    // Not of this package. Whoever can write to the bus must not end the process by that.
    return undefined;
  }
}

/** Reads a message of the bus: its text, and the id of the connection that it is not for. */
export function readAddressed(message: string): { exceptId: string; text: string } {
  const at = message.indexOf(SEPARATOR);
  return { exceptId: message.slice(0, at), text: message.slice(at + 1) };
}

/** Delivers a message of the bus to the receivers of its channel. */
export function deliver<R extends Receiver>(
  { name, receivers }: { readonly name: string; readonly receivers: Iterable<R> },
  addressedText: string,
  isFor?: (receiver: R) => boolean,
): void {
  const { exceptId, text } = readAddressed(addressedText);
  const message = new OutgoingMessage(text);
  for (const receiver of receivers)
    if (receiver.id !== exceptId && (!isFor || isFor(receiver))) receiver.push(message, name);
}
