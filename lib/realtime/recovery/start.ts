import type { OutgoingMessage } from "../../lines/batch.ts";

/** Holds the messages of channels in order while a connection is put into its groups. */
export class Start {
  #held: { readonly message: OutgoingMessage; readonly channel: string }[] = [];
  #length = 0;

  /** Holds a message. Returns `false` if more characters than `maxLength` would wait. */
  hold(message: OutgoingMessage, channel: string, maxLength: number): boolean {
    this.#length += message.text.length;
    this.#held.push({ message, channel });
    return this.#held.length === 1 || this.#length <= maxLength;
  }

  /** Drops the messages of a channel that the connection has left. */
  forget(channel: string): void {
    this.#held = this.#held.filter((held) => held.channel !== channel);
  }

  get messages(): readonly OutgoingMessage[] {
    return this.#held.map(({ message }) => message);
  }
}
