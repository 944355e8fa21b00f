import { OutgoingMessage } from "../../lines/batch.ts";

/** Who takes the messages of a channel. */
export interface Receiver {
  readonly id: string;
  push(message: OutgoingMessage): void;
}

/** Ends the id of the connection that a message is not for. An id has no line break, and neither has JSON. */
const SEPARATOR = "\n";

/** A message as it goes over the bus: for all but one connection, or for all. */
export function addressed(text: string, exceptId: string = ""): string {
  return exceptId + SEPARATOR + text;
}

/** Gives what has come over the bus to those it is for. */
export function deliver<R extends Receiver>(
  receivers: Iterable<R>,
  addressedText: string,
  isFor?: (receiver: R) => boolean,
): void {
  const at = addressedText.indexOf(SEPARATOR);
  const message = new OutgoingMessage(addressedText.slice(at + 1));
  const exceptId = addressedText.slice(0, at);
  for (const receiver of receivers)
    if (receiver.id !== exceptId && (!isFor || isFor(receiver))) receiver.push(message);
}
