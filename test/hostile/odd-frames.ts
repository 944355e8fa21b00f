import fc, { type Arbitrary } from "fast-check";
import { clientFrame, OPCODES } from "./frames.ts";
import { mostly } from "./odd-text.ts";

/** What a client sends on an open connection. */
export interface OddFrames {
  /** Whether the client is a user, or has no session. */
  readonly isUser: boolean;
  readonly bytes: Buffer;
  readonly pieces: number;
}

/** Events of every shape of JSON, and what only looks like JSON. */
const eventTexts: Arbitrary<string> = fc.oneof(
  fc.json(),
  fc.jsonValue().map((data) => JSON.stringify({ event_type: "echo", id: 1, data })),
  fc
    .record({ event_type: fc.jsonValue(), id: fc.jsonValue(), data: fc.jsonValue() }, { requiredKeys: [] })
    .map((event) => JSON.stringify(event)),
  fc.constantFrom(
    ...[
      "",
      "{",
      "null",
      "[]",
      "0",
      "1e999",
      '"\\ud800"',
      "\ufeff{}",
      "{}{}",
      "{'a':1}",
      "NaN",
      "[".repeat(60_000),
    ],
    '{"event_type":"echo","id":1e999}',
    '{"event_type":"echo","id":1,"data":{"__proto__":{"polluted":1}}}',
    '{"event_type":"echo","id":1,"data":{"\\u005f_proto__":{"polluted":1}}}',
    '{"event_type":"echo","id":1,"data":{"constructor":{"prototype":{"polluted":1}}}}',
    '{"event_type":"__proto__","id":1}',
    '{"event_type":"constructor","id":"toString"}',
    '{"event_type":"connect","data":{}}',
    '{"event_type":"error","data":{"message":"x"}}',
    '{"event_type":"session.heartbeat","data":{"a":1},"id":{}}',
    '{"event_type":"session.heartbeat"}',
    '{"event_type":"session.positions"}',
    '{"status":"success"}',
    '{"event_type":"echo","event_type":"x","id":1,"id":2}',
    `{"event_type":"echo","id":"${"x".repeat(60_000)}"}`,
    `{"event_type":"echo","id":1,"data":{"a":${"[".repeat(20_000)}${"]".repeat(20_000)}}}`,
    `{"event_type":"echo","id":1,"data":{"a":${'{"a":'.repeat(9_000)}1${"}".repeat(9_000)}}}`,
    `{"event_type":"${"x".repeat(60_000)}","id":1}`,
  ),
);

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((some) => Buffer.from(some));

const texts = eventTexts.map((text) => Buffer.from(text));
const notUtf8 = fc
  .constantFrom("c328", "a0a1", "e28228", "fc80808080", "eda080", "f4908080", "c0af", "80", "e282")
  .map((hex) => Buffer.from(hex, "hex"));
const closes = fc.oneof(
  fc.constant(Buffer.alloc(0)),
  fc
    .tuple(
      fc.oneof(
        fc.integer({ min: 0, max: 0xffff }),
        fc.integer({ min: 990, max: 1020 }),
        fc.constantFrom(1000, 1001, 1003, 1008, 1011, 3000, 4000, 4009, 4501, 4999),
      ),
      fc.oneof(bytes(123), fc.constant(Buffer.alloc(0))),
    )
    .map(([code, reason]) => Buffer.concat([Buffer.from([code >> 8, code & 0xff]), reason])),
);

const kinds = fc.oneof(
  { weight: 6, arbitrary: texts.map((payload) => ({ opcode: OPCODES.text as number, payload })) },
  { weight: 1, arbitrary: notUtf8.map((payload) => ({ opcode: OPCODES.text as number, payload })) },
  { weight: 1, arbitrary: bytes(300).map((payload) => ({ opcode: OPCODES.binary as number, payload })) },
  { weight: 2, arbitrary: bytes(125).map((payload) => ({ opcode: OPCODES.ping as number, payload })) },
  { weight: 2, arbitrary: bytes(125).map((payload) => ({ opcode: OPCODES.pong as number, payload })) },
  { weight: 2, arbitrary: closes.map((payload) => ({ opcode: OPCODES.close as number, payload })) },
  { weight: 1, arbitrary: fc.record({ opcode: fc.nat(15), payload: bytes(200) }) },
);
const lengths = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.constantFrom(
    0n,
    1n,
    125n,
    126n,
    127n,
    65_535n,
    65_536n,
    65_537n,
    2n ** 31n,
    2n ** 53n,
    2n ** 63n,
    2n ** 64n - 1n,
  ),
);

const oddFrame: Arbitrary<Buffer> = fc
  .record({
    kind: kinds,
    isFinal: mostly(true, fc.constant(false), 20),
    reserved: mostly(0, fc.integer({ min: 1, max: 7 }), 30),
    mask: mostly<Buffer | undefined>(
      Buffer.from("37fa213d", "hex"),
      fc.constantFrom(undefined, Buffer.alloc(4)),
      30,
    ),
    length: mostly<bigint | undefined>(undefined, lengths, 20),
    lengthBytes: mostly<0 | 2 | 8>(0, fc.constantFrom(2, 8)),
  })
  .map(({ kind, length, ...parts }) =>
    clientFrame({ ...kind, ...parts, ...(length !== undefined && { length }) }),
  );

/** A text or binary message in several frames, with control frames between them. */
const fragments: Arbitrary<Buffer> = fc
  .record({
    text: texts,
    cuts: fc.array(fc.nat(80), { minLength: 1, maxLength: 6 }),
    between: fc.constantFrom(OPCODES.ping, OPCODES.pong, undefined, OPCODES.text),
    isEnded: mostly(true, fc.constant(false), 20),
  })
  .map(({ text, cuts, between, isEnded }) => {
    const frames: Buffer[] = [];
    const places = [0, ...cuts.sort((one, other) => one - other), text.length];
    for (let at = 0; at + 1 < places.length; at++) {
      const opcode = at === 0 ? OPCODES.text : OPCODES.continuation;
      const isFinal = isEnded && at + 2 === places.length;
      frames.push(clientFrame({ opcode, isFinal, payload: text.subarray(places[at], places[at + 1]) }));
      if (between !== undefined && at % 2 === 0)
        frames.push(clientFrame({ opcode: between, payload: Buffer.from("between") }));
    }
    return Buffer.concat(frames);
  });

export const oddFrames: Arbitrary<OddFrames> = fc.record({
  isUser: fc.boolean(),
  bytes: fc
    .array(
      fc.oneof(
        { weight: 6, arbitrary: oddFrame },
        { weight: 2, arbitrary: fragments },
        { weight: 1, arbitrary: bytes(40) },
      ),
      {
        minLength: 1,
        maxLength: 6,
      },
    )
    .map((frames) => Buffer.concat(frames)),
  pieces: mostly(1, fc.integer({ min: 2, max: 6 })),
});
