import { Moves } from "./moves.ts";

/** A channel whose messages may be held. */
export interface HeldChannel<R> {
  /** The receivers that entered or left since messages are held. */
  moves: Moves<R> | undefined;
}

/** Characters of messages that are held at most. What comes then is lost. */
const MAX_LENGTH = 16 * 1024 * 1024;

/** Holds the messages of all channels in order while nothing may be delivered. */
export class HeldMessages<C extends HeldChannel<R>, R> {
  readonly #messages: { readonly channel: C; readonly text: string }[] = [];
  /** Channels that a receiver has entered or left while messages are held. */
  readonly #moved = new Set<C>();
  #length = 0;

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  /** Holds a message. If there is no room, the message is lost, as if the line had been down for longer. */
  add(channel: C, text: string): void {
    if (this.#length + text.length > MAX_LENGTH) return;
    this.#length += text.length;
    this.#messages.push({ channel, text });
  }

  /** Records that a receiver has entered or left a channel. */
  noteMove(channel: C, receiver: R, isIn: boolean): void {
    channel.moves ??= new Moves();
    channel.moves.note(receiver, isIn, this.#messages.length);
    this.#moved.add(channel);
  }

  /** Gives all messages, each with a check for the receivers that were in the channel when it came. */
  release(deliver: (channel: C, text: string, isFor?: (receiver: R) => boolean) => void): void {
    for (const [number, { channel, text }] of this.#messages.entries()) {
      const { moves } = channel;
      deliver(channel, text, moves && ((receiver) => moves.wasIn(receiver, number)));
    }
    for (const channel of this.#moved) channel.moves = undefined;
    this.#moved.clear();
    this.#messages.length = 0;
    this.#length = 0;
  }
}
