import { isUtf8 } from "node:buffer";
import { OPCODES } from "./frames.ts";

/** The node's `maxPayload`. */
const MAX_PAYLOAD = 65_536;
const NO_CODE = 1005;

/** The required effect of bytes from a client on an open connection (RFC 6455, sections 5 and 7.4). */
export interface Verdict {
  /** The code of the server's close, `1005` for none. `undefined` if the connection stays open. */
  readonly code: number | undefined;
  /** The payloads of earlier pings, which must be answered. */
  readonly pings: readonly Buffer[];
  /** Whether a message is incomplete, so no other may begin. */
  readonly isFragmented: boolean;
  /** Whether a frame is incomplete, so the next bytes belong to it. */
  readonly isCut: boolean;
}

/** Parses a client's bytes by the protocol, without any code of the server. */
export function verdictOn(bytes: Buffer): Verdict {
  const pings: Buffer[] = [];
  let message: Buffer[] | undefined;
  let isText = false;
  const verdict = (code: number | undefined, isCut = false): Verdict => ({
    ...{ code, pings, isFragmented: message !== undefined, isCut },
  });
  let at = 0;
  while (at < bytes.length) {
    const head = headAt(bytes, at);
    if (!head) return verdict(undefined, true);
    const { opcode, isFinal, isMasked } = head;
    const isControl = opcode >= OPCODES.close;
    const isContinued = opcode === OPCODES.continuation;
    if (head.reserved !== 0 || !isMasked || !KNOWN.has(opcode)) return verdict(1002);
    if (isControl && (!isFinal || head.lengthCode > 125)) return verdict(1002);
    if (opcode === OPCODES.close && head.lengthCode === 1) return verdict(1002);
    if (!isControl && isContinued !== (message !== undefined)) return verdict(1002);
    if (head.length === undefined) return verdict(undefined, true);
    const before = message?.reduce((sum, { length }) => sum + length, 0) ?? 0;
    if (!isControl && head.length > 0n && head.length + BigInt(before) > MAX_PAYLOAD) return verdict(1009);
    const payload = payloadAt(bytes, at + head.bytes, Number(head.length));
    if (!payload) return verdict(undefined, true);
    at += head.bytes + 4 + payload.length;
    if (opcode === OPCODES.close) return verdict(codeOfClose(payload));
    if (opcode === OPCODES.ping) pings.push(payload);
    if (isControl) continue;
    if (!isContinued) {
      message = [];
      isText = opcode === OPCODES.text;
    }
    message?.push(payload);
    if (!isFinal) continue;
    if (isText && !isUtf8(Buffer.concat(message ?? []))) return verdict(1007);
    message = undefined;
  }
  return verdict(undefined);
}

const KNOWN: ReadonlySet<number> = new Set(Object.values(OPCODES));

interface Head {
  readonly opcode: number;
  readonly isFinal: boolean;
  readonly reserved: number;
  readonly isMasked: boolean;
  /** The length in the second byte. */
  readonly lengthCode: number;
  /** `undefined` if it has not arrived yet. */
  readonly length: bigint | undefined;
  /** Bytes of the head, without the mask. */
  readonly bytes: number;
}

function headAt(bytes: Buffer, at: number): Head | undefined {
  if (at + 2 > bytes.length) return undefined;
  const [first, second] = [bytes.readUInt8(at), bytes.readUInt8(at + 1)];
  const lengthCode = second & 0x7f;
  const lengthBytes = lengthCode < 126 ? 0 : lengthCode === 126 ? 2 : 8;
  const isThere = at + 2 + lengthBytes <= bytes.length;
  const long = () => (lengthBytes === 2 ? BigInt(bytes.readUInt16BE(at + 2)) : bytes.readBigUInt64BE(at + 2));
  return {
    opcode: first & 0x0f,
    isFinal: (first & 0x80) !== 0,
    reserved: (first & 0x70) >> 4,
    isMasked: (second & 0x80) !== 0,
    lengthCode,
    length: isThere ? (lengthBytes === 0 ? BigInt(lengthCode) : long()) : undefined,
    bytes: 2 + lengthBytes,
  };
}

function payloadAt(bytes: Buffer, at: number, length: number): Buffer | undefined {
  if (at + 4 + length > bytes.length) return undefined;
  const mask = bytes.subarray(at, at + 4);
  return Buffer.from(bytes.subarray(at + 4, at + 4 + length)).map(
    (byte, index) => byte ^ (mask[index % 4] as number),
  ) as Buffer;
}

function codeOfClose(payload: Buffer): number {
  if (payload.length === 0) return NO_CODE;
  const code = payload.readUInt16BE(0);
  const isRight =
    (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999);
  if (!isRight) return 1002;
  return isUtf8(payload.subarray(2)) ? code : 1007;
}
