const FIN_AND_TEXT = 0x81;

/** A message on its way to clients: made into a frame once, for however many of them. */
export class OutgoingMessage {
  readonly text: string;
  #frame: Buffer | undefined;
  #alone: Batch | undefined;

  constructor(text: string) {
    this.text = text;
  }

  /** The message as one unmasked text frame (RFC 6455, section 5.2). */
  get frame(): Buffer {
    this.#frame ??= textFrame(this.text);
    return this.#frame;
  }

  /** The batch that has only this message. */
  get alone(): Batch {
    this.#alone ??= new Batch(undefined, this);
    return this.#alone;
  }
}

/**
 * Messages that leave in one write. Connections that get the same messages in one tick share their batch, since each
 * batch remembers the one that it became last: so the frames are put together once, not once for each connection.
 */
export class Batch {
  readonly #before: Batch | undefined;
  readonly #last: OutgoingMessage;
  readonly count: number;
  #frames: Buffer | undefined;
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

  /** Bytes of all frames. */
  get bytes(): number {
    return this.frames.length;
  }

  /** All frames, one after the other. */
  get frames(): Buffer {
    this.#frames ??= this.#before ? Buffer.concat(this.messages.map(({ frame }) => frame)) : this.#last.frame;
    return this.#frames;
  }

  get messages(): OutgoingMessage[] {
    const messages = new Array<OutgoingMessage>(this.count);
    for (let batch: Batch | undefined = this; batch; batch = batch.#before)
      messages[batch.count - 1] = batch.#last;
    return messages;
  }
}

function textFrame(text: string): Buffer {
  const bytes = Buffer.byteLength(text);
  const header = bytes < 126 ? 2 : bytes < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(header + bytes);
  frame[0] = FIN_AND_TEXT;
  if (header === 2) frame[1] = bytes;
  else if (header === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(bytes, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(bytes), 2);
  }
  frame.write(text, header);
  return frame;
}
