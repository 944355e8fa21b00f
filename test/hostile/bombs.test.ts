import { deflateRawSync } from "node:zlib";
import { clientFrame, OPCODES } from "./frames.ts";
import { type Ground, openGround } from "./ground.ts";
import { OpenLine } from "./open-line.ts";
import { inWaves, LIMIT_MS, RUNS } from "./runs.ts";

const EXTENSION = { "Sec-WebSocket-Extensions": "permessage-deflate" };
/** The bit of a compressed message (RFC 7692, section 6). */
const COMPRESSED = 4;
const COUNT = RUNS >= 1_000 ? 100 : 20;
const RATE_LIMITED = 4029;
const CLOSED_MS = 40_000;
/** The bombs decompress to gigabytes. The node may hold at most this much at a time. */
const MAX_GROWN_BYTES = 256 * 2 ** 20;

function compressed(data: Buffer): Buffer {
  return deflateRawSync(data);
}

function message(payload: Buffer): Buffer {
  return clientFrame({ opcode: OPCODES.text, payload, reserved: COMPRESSED });
}

/** 64 KiB, the largest accepted message, which decompress to 64 MiB. */
const BOMB = compressed(Buffer.alloc(64 * 2 ** 20, " ")).subarray(0, 65_536);

/** 100 bytes that decompress to 64 KiB. */
const LARGE = message(compressed(Buffer.from(`{"event_type":"x","data":{"a":"${"x".repeat(65_000)}"}}`)));

const BOMBS: readonly [what: string, bytes: Buffer, code: number][] = [
  ["a message of 64 MiB in 64 KiB", message(BOMB), 1009],
  [
    "the same as a binary message",
    clientFrame({ opcode: OPCODES.binary, payload: BOMB, reserved: COMPRESSED }),
    1009,
  ],
  [
    "the same in fragments",
    Buffer.concat(
      [0, 1, 2, 3].map((at) =>
        clientFrame({
          opcode: at === 0 ? OPCODES.text : OPCODES.continuation,
          isFinal: at === 3,
          reserved: at === 0 ? COMPRESSED : 0,
          payload: BOMB.subarray(at * 16_384, (at + 1) * 16_384),
        }),
      ),
    ),
    1009,
  ],
  ["a message that no inflation ends", message(Buffer.alloc(1_000, 0xff)), 1007],
  [
    "a ping that says it is compressed",
    clientFrame({ opcode: OPCODES.ping, payload: BOMB.subarray(0, 100), reserved: COMPRESSED }),
    1002,
  ],
  ["compressed text that is no UTF-8", message(compressed(Buffer.from("c328", "hex"))), 1007],
];

describe("with perMessageDeflate", () => {
  let ground: Ground;
  beforeAll(async () => {
    ground = await openGround({ webSocket: { perMessageDeflate: true } });
  });
  afterAll(() => ground.close());

  test(
    `each of ${COUNT} bombs of each kind closes its connection, and is never whole in memory`,
    async () => {
      const cookie = await ground.logIn("mallory");
      const before = await ground.figures();
      await ground.endure(() =>
        inWaves(COUNT * BOMBS.length, COUNT * BOMBS.length, async (at) => {
          const [what, bytes, code] = BOMBS[at % BOMBS.length] as (typeof BOMBS)[number];
          const open = await OpenLine.to(ground.port, at % 2 ? cookie : undefined, EXTENSION);
          try {
            await open.line.send(bytes);
            expect({ what, code: await open.untilClosed(CLOSED_MS) }).toEqual({ what, code });
          } finally {
            open.end();
          }
        }),
      );
      const { peakBytes } = await ground.figures();
      expect(peakBytes - before.residentBytes).toBeLessThan(MAX_GROWN_BYTES);
    },
    LIMIT_MS,
  );

  test(
    "the rate limit holds for clients whose messages decompress to a thousand times their size",
    () =>
      ground.endure(() =>
        inWaves(4, 4, async () => {
          const open = await OpenLine.to(ground.port, undefined, EXTENSION);
          try {
            await open.line.send(Buffer.concat(Array.from({ length: 400 }, () => LARGE)));
            expect(await open.untilClosed(CLOSED_MS)).toBe(RATE_LIMITED);
          } finally {
            open.end();
          }
        }),
      ),
    LIMIT_MS,
  );
});
