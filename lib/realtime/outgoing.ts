const FIN_AND_TEXT = 0x81;

/** Bytes that one message may have, unless a connection may leave more unread. A bus would break at not much more. */
export const LARGEST_MESSAGE_BYTES: number = 16 * 1024 * 1024;

/** The most bytes of one character in UTF-8, of those that a string counts as one. */
const MAX_BYTES_OF_A_CHARACTER = 3;

/** A text that is to be sent. @throws {RangeError} if it is too large to be. */
export function checkedText(text: string, maxBufferedBytes: number): string {
  const limit = Math.max(LARGEST_MESSAGE_BYTES, maxBufferedBytes);
  if (text.length * MAX_BYTES_OF_A_CHARACTER <= limit) return text;
  const bytes = Buffer.byteLength(text);
  if (bytes <= limit) return text;
  throw new RangeError(
    `realtime: a message of ${bytes} bytes was not sent: it may have ${limit}; send it in parts, or a link to it`,
  );
}

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
