/** Enough of RFC 6455 for a client that counts: what ws's own client costs would be most of the load. */

export const opcodes = { text: 1, close: 8, ping: 9, pong: 10 } as const;

/** The masking key is zero: the server unmasks all the same, and the frame can be made once for all connections. */
export function maskedFrame(opcode: number, payload: string | Uint8Array): Buffer {
  const body = Buffer.from(payload);
  if (body.length > 125) throw new RangeError("short frames only");
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | body.length, 0, 0, 0, 0]), body]);
}

/** A server's frame of 126 to 65,535 bytes. */
export function textFrame(text: string): Buffer {
  const body = Buffer.from(text);
  const header = Buffer.from([0x80 | opcodes.text, 126, 0, 0]);
  header.writeUInt16BE(body.length, 2);
  return Buffer.concat([header, body]);
}

/** Hears of each whole frame; the payload is valid during the call only. */
export type FrameListener = (opcode: number, data: Uint8Array, from: number, to: number) => void;

/** Takes a server's bytes apart into frames. */
export class FrameReader {
  #rest: Uint8Array | undefined;
  readonly #onFrame: FrameListener;

  constructor(onFrame: FrameListener) {
    this.#onFrame = onFrame;
  }

  read(chunk: Uint8Array): void {
    const data = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk;
    let at = 0;
    while (at + 2 <= data.length) {
      const length = lengthAt(data, at);
      if (length === undefined || length.to > data.length) break;
      this.#onFrame((data[at] ?? 0) & 0x0f, data, length.from, length.to);
      at = length.to;
    }
    // Copied, because the chunk's memory is read into again.
    this.#rest = at < data.length ? Uint8Array.from(data.subarray(at)) : undefined;
  }
}

function lengthAt(data: Uint8Array, at: number): { from: number; to: number } | undefined {
  const short = (data[at + 1] ?? 0) & 0x7f;
  if (short < 126) return { from: at + 2, to: at + 2 + short };
  if (short === 127) throw new RangeError("a frame of over 64 KiB");
  if (at + 4 > data.length) return undefined;
  return { from: at + 4, to: at + 4 + (((data[at + 2] ?? 0) << 8) | (data[at + 3] ?? 0)) };
}
