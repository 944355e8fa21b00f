import { setTimeout as delay } from "node:timers/promises";
import { resetSocket } from "../support/raw-socket.ts";
import { handshake } from "../websocket/raw-handshake.ts";
import { clientFrame, closeFrame, OPCODES, textFrame } from "./frames.ts";
import { type Ground, openGround } from "./ground.ts";
import { Line } from "./line.ts";
import { OpenLine } from "./open-line.ts";
import { receivedIn } from "./responses.ts";
import { inWaves, LIMIT_MS, RUNS } from "./runs.ts";

const INACTIVE = 4008;
/** After a close, ws waits half a minute for a silent line. With many runs these tests wait as long. */
const IS_LONG = RUNS >= 1_000;
const CLOSED_MS = 20_000;
const AFTER_A_CLOSE_MS = 45_000;
const DRIBBLE_MS = 100;

const POST =
  "POST /body HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\nContent-Length: 100000\r\n";
const HALF = clientFrame({ opcode: OPCODES.text, payload: Buffer.from("x"), length: 1_000n });

let ground: Ground;
beforeAll(async () => {
  // The witness is never silent for that long.
  ground = await openGround({ realtime: { inactivityThresholdSeconds: 4 } });
});
afterAll(() => ground.close());

/** Sends a byte from time to time until the line ends. */
async function dribble(line: Line, text: string): Promise<void> {
  for (let at = 0; !line.isClosed && at < 600; at++) {
    line.socket.write(text[at % text.length] as string);
    await delay(DRIBBLE_MS);
  }
}

describe("slow lines", () => {
  const COUNT = 40;
  const DRIBBLES: readonly [head: string, behind: string][] = [
    ["", `${handshake().slice(0, -2)}X-Header: ${"x".repeat(10_000)}`],
    [`${POST}\r\n`, "x"],
    [`${POST}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n`, "x"],
  ];

  /** Begins a request and never ends it. Returns the answer after the node has ended the line. */
  async function request([head, behind]: readonly [string, string]): Promise<number | undefined> {
    const line = await Line.to(ground.port);
    await line.send(Buffer.from(head));
    const dribbled = dribble(line, behind);
    await line.untilClosed(CLOSED_MS);
    line.end();
    await dribbled;
    const text = line.received.toString("latin1");
    return receivedIn(text, { isClosed: true, isHead: false }).responses.at(-1)?.status;
  }

  /** Opens a connection, and sends a message that never ends, in small parts or not at all. */
  async function message(isDribbled: boolean, cookie: string | undefined): Promise<number | undefined> {
    const open = await OpenLine.to(ground.port, cookie);
    await open.line.send(HALF);
    const dribbled = isDribbled ? dribble(open.line, "x") : undefined;
    const code = await open.untilClosed(CLOSED_MS);
    await open.line.untilClosed(CLOSED_MS);
    open.end();
    await dribbled;
    return code;
  }

  test(
    `the node gives up ${COUNT} of each kind: heads, bodies of a POST, bodies of a request for another protocol, messages`,
    async () => {
      const cookie = await ground.logIn("mallory");
      const [statuses, codes] = [new Set<number | undefined>(), new Set<number | undefined>()];
      await ground.endure(() =>
        inWaves(COUNT * 4, COUNT * 4, async (at) => {
          const dribbled = DRIBBLES[at % 4];
          if (dribbled) statuses.add(await request(dribbled));
          else codes.add(await message(at % 8 === 3, at % 3 ? cookie : undefined));
        }),
      );
      expect([408, undefined]).toEqual(expect.arrayContaining([...statuses]));
      expect([...codes]).toEqual([INACTIVE]);
    },
    LIMIT_MS,
  );
});

describe("half-open lines", () => {
  const COUNT = 50;
  const ENDS: readonly [what: string, send: (open: OpenLine) => unknown, withinMs: number][] = [
    ["sends no more", (open) => open.line.socket.end(), CLOSED_MS],
    ["sends half a frame and no more", (open) => open.line.socket.end(HALF), CLOSED_MS],
    ["sends a close and no more", (open) => open.line.socket.end(closeFrame(1000)), CLOSED_MS],
  ];
  const STAYS: typeof ENDS = [
    ["sends a close, and keeps the line", (open) => open.line.send(closeFrame(1000)), AFTER_A_CLOSE_MS],
    ["is closed, and keeps the line", (open) => open.line.send(Buffer.from("ff", "hex")), AFTER_A_CLOSE_MS],
  ];

  test(
    `the node ends ${COUNT} of each kind`,
    async () => {
      const kinds = IS_LONG ? [...ENDS, ...STAYS] : ENDS;
      const cookie = await ground.logIn("mallory");
      await ground.endure(() =>
        inWaves(COUNT * kinds.length, 50 * kinds.length, async (at) => {
          const [what, send, withinMs] = kinds[at % kinds.length] as (typeof ENDS)[number];
          const open = await OpenLine.to(ground.port, at % 2 ? cookie : undefined);
          await send(open);
          await open.line.untilClosed(withinMs).catch((cause) => {
            throw new Error(`A client ${what}: its line is not ended`, { cause });
          });
          open.end();
        }),
      );
    },
    LIMIT_MS,
  );
});

const RESETS = Math.min(5_000, RUNS * 3);
test(
  `${RESETS} lines that are reset at any moment leave nothing`,
  async () => {
    const cookie = await ground.logIn("mallory");
    const bytes = Buffer.from(handshake("/ws", { Cookie: cookie }));
    const moments: ((line: Line) => unknown)[] = [
      () => {},
      (line) => line.send(bytes.subarray(0, 30)),
      (line) => line.send(bytes),
      (line) => line.send(Buffer.concat([bytes, textFrame('{"event_type":"echo","id":1}'), HALF])),
      async (line) => {
        await line.send(bytes);
        await line.until(() => line.received.length > 0 || undefined, CLOSED_MS, "answer");
      },
      (line) => line.send(Buffer.from(`${POST}\r\nhalf`)),
    ];
    await ground.endure(() =>
      inWaves(RESETS, 50, async (at) => {
        const line = await Line.to(ground.port);
        await moments[at % moments.length]?.(line);
        await resetSocket(line.socket);
      }),
    );
  },
  LIMIT_MS,
);

const OPENED = Math.min(5_000, RUNS * 4);
test(
  `${OPENED} connections that open and drop leave nothing`,
  async () => {
    const cookies = await Promise.all(Array.from({ length: 20 }, (_, at) => ground.logIn(`mallory ${at}`)));
    const ends: ((open: OpenLine) => unknown)[] = [
      (open) => open.end(),
      (open) => resetSocket(open.line.socket),
      (open) => open.line.socket.end(),
      async (open) => {
        await open.line.send(closeFrame(4_321, "of its own"));
        await open.untilClosed(CLOSED_MS);
        open.end();
      },
    ];
    await ground.endure(() =>
      inWaves(OPENED, 100, async (at) => {
        const open = await OpenLine.to(ground.port, at % 3 ? cookies[at % cookies.length] : undefined);
        await ends[at % ends.length]?.(open);
      }),
    );
  },
  LIMIT_MS,
);
