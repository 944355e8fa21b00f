/** A frame of the server, which is never masked (RFC 6455, section 5.1). */
export interface ServerFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

export const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** The parts of a client's frame. The length in its head may be wrong. */
export interface FrameParts {
  readonly opcode: number;
  readonly payload: Buffer;
  readonly isFinal?: boolean;
  /** The three reserved bits, as a number. */
  readonly reserved?: number;
  readonly mask?: Buffer | undefined;
  readonly length?: bigint;
  /** The number of bytes for the length, also if fewer would do. */
  readonly lengthBytes?: 0 | 2 | 8;
}

const NO_MASK = Buffer.alloc(4);

/** A client's frame. A mask of `undefined` leaves the mask out. */
export function clientFrame(parts: FrameParts): Buffer {
  const { opcode, payload, isFinal = true, reserved = 0, length = BigInt(payload.length) } = parts;
  const mask = "mask" in parts ? parts.mask : NO_MASK;
  const first = (isFinal ? 0x80 : 0) | (reserved << 4) | opcode;
  const least = length < 126n ? 0 : length < 65_536n ? 2 : 8;
  const lengthBytes = Math.max(least, parts.lengthBytes ?? 0);
  const head = Buffer.alloc(2 + lengthBytes);
  head[0] = first;
  head[1] = (mask ? 0x80 : 0) | (lengthBytes === 0 ? Number(length) : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) head.writeUInt16BE(Number(length), 2);
  if (lengthBytes === 8) head.writeBigUInt64BE(length, 2);
  if (!mask) return Buffer.concat([head, payload]);
  return Buffer.concat([head, mask, payload.map((byte, at) => byte ^ (mask[at % 4] as number))]);
}

export function textFrame(text: string): Buffer {
  return clientFrame({ opcode: OPCODES.text, payload: Buffer.from(text) });
}

export function closeFrame(code: number, reason = ""): Buffer {
  const payload = Buffer.concat([Buffer.alloc(2), Buffer.from(reason)]);
  payload.writeUInt16BE(code);
  return clientFrame({ opcode: OPCODES.close, payload });
}

/** The complete frames of a server. @throws for frames that a server must not send. */
export function framesIn(bytes: Buffer): ServerFrame[] {
  const frames: ServerFrame[] = [];
  for (let at = 0; at + 2 <= bytes.length; ) {
    const [first, second] = [bytes.readUInt8(at), bytes.readUInt8(at + 1)];
    if ((first & 0xf0) !== 0x80 && (first & 0xf0) !== 0xc0) throw new Error(`A frame begins with ${first}`);
    if (second & 0x80) throw new Error("A frame of the server is masked");
    const lengthBytes = second < 126 ? 0 : second === 126 ? 2 : 8;
    if (at + 2 + lengthBytes > bytes.length) break;
    const length =
      lengthBytes === 0
        ? second
        : lengthBytes === 2
          ? bytes.readUInt16BE(at + 2)
          : Number(bytes.readBigUInt64BE(at + 2));
    const begin = at + 2 + lengthBytes;
    if (begin + length > bytes.length) break;
    frames.push({ opcode: first & 0x0f, payload: bytes.subarray(begin, begin + length) });
    at = begin + length;
  }
  return frames;
}
