/** How a kind of line writes a message. */
export interface Framing {
  frame(text: string): Buffer;
}

/** A message on its way to clients. Its bytes are made once for each kind of line, not once for each client. */
export class OutgoingMessage {
  readonly text: string;
  #alone: Batch | undefined;

  constructor(text: string) {
    this.text = text;
  }

  /** The batch that has only this message. */
  get alone(): Batch {
    this.#alone ??= new Batch(undefined, this);
    return this.#alone;
  }
}

/**
 * Messages that leave in one write. Connections that get the same messages in one tick share their batch, because each
 * batch remembers its last successor. So the frames are joined once, not once for each connection.
 */
export class Batch {
  readonly #before: Batch | undefined;
  readonly #last: OutgoingMessage;
  readonly count: number;
  #framing: Framing | undefined;
  #bytes: Buffer | undefined;
  /** The bytes for further kinds of line. Most apps have only one kind. */
  #otherBytes: Map<Framing, Buffer> | undefined;
  #next: Batch | undefined;

  constructor(before: Batch | undefined, last: OutgoingMessage) {
    this.#before = before;
    this.#last = last;
    this.count = before ? before.count + 1 : 1;
  }

  /** The batch with one message more. */
  with(message: OutgoingMessage): Batch {
    if (!this.#next || this.#next.#last !== message) this.#next = new Batch(this, message);
    return this.#next;
  }

  /** The bytes of all messages, one after the other, as a kind of line writes them. */
  bytes(framing: Framing): Buffer {
    if (this.#bytes && this.#framing === framing) return this.#bytes;
    const known = this.#otherBytes?.get(framing);
    if (known) return known;
    const bytes = this.#before
      ? Buffer.concat(this.messages.map(({ alone }) => alone.bytes(framing)))
      : framing.frame(this.#last.text);
    if (!this.#bytes) {
      this.#framing = framing;
      this.#bytes = bytes;
    } else {
      this.#otherBytes ??= new Map();
      this.#otherBytes.set(framing, bytes);
    }
    return bytes;
  }

  get messages(): OutgoingMessage[] {
    const messages = new Array<OutgoingMessage>(this.count);
    for (let batch: Batch | undefined = this; batch; batch = batch.#before)
      messages[batch.count - 1] = batch.#last;
    return messages;
  }
}
