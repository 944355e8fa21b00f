import type { Position } from "./history.ts";

/** Begins a message that has a position. No other message of a channel begins with it. */
const KEPT = "kept ";

/** A message as the listeners of a channel receive it, with its position. */
export interface Numbered extends Position {
  /** The message as it was appended. */
  readonly message: string;
}

/** Returns the text by which a message and its position go over the bus: `kept <epoch> <offset>`, a line break, the message. */
export function numbered({ epoch, offset }: Position, message: string): string {
  return `${KEPT}${epoch} ${offset}\n${message}`;
}

/** Reads a text of the bus. Returns `undefined` if it has no position. */
export function readNumbered(text: string): Numbered | undefined {
  if (!text.startsWith(KEPT)) return undefined;
  const end = text.indexOf("\n");
  const [epoch, offset] = text.slice(KEPT.length, end).split(" ");
  if (end < 0 || !epoch || !offset || !Number.isSafeInteger(Number(offset))) return undefined;
  return { epoch, offset: Number(offset), message: text.slice(end + 1) };
}
