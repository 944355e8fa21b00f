import { clientFrame, closeFrame, OPCODES, textFrame } from "./frames.ts";
import { type Ground, openGround } from "./ground.ts";
import { OpenLine } from "./open-line.ts";
import { inWaves, LIMIT_MS, RUNS } from "./runs.ts";

/** The time for which each client floods unless it is stopped, and the size of a write. */
const FLOOD_MS = 4_000;
const CHUNK_BYTES = 64 * 1024;
const CLIENTS = RUNS >= 1_000 ? 6 : 2;
const CLOSED_MS = 20_000;

/** The repeated message, the bytes before it, and the close codes that it may lead to. 1006 is a cut line. */
interface Flood {
  readonly name: string;
  readonly first?: Buffer;
  readonly frame: Buffer;
  readonly codes: readonly number[];
}

const payload = Buffer.alloc(125, "x");
const none = Buffer.alloc(0);
const FLOODS: readonly Flood[] = [
  {
    name: "empty pings",
    frame: clientFrame({ opcode: OPCODES.ping, payload: none }),
    codes: [1006, 4029],
  },
  { name: "pings", frame: clientFrame({ opcode: OPCODES.ping, payload }), codes: [1006, 4029] },
  {
    name: "empty pongs",
    frame: clientFrame({ opcode: OPCODES.pong, payload: none }),
    codes: [4029],
  },
  { name: "pongs", frame: clientFrame({ opcode: OPCODES.pong, payload }), codes: [4029] },
  { name: "closes", frame: closeFrame(1000, "again"), codes: [1000] },
  { name: "empty messages", frame: textFrame(""), codes: [4029] },
  { name: "messages", frame: textFrame('{"event_type":"echo","id":1,"data":{"a":1}}'), codes: [4029] },
  { name: "heartbeats", frame: textFrame('{"event_type":"session.heartbeat"}'), codes: [4029] },
  { name: "binary messages", frame: clientFrame({ opcode: OPCODES.binary, payload }), codes: [4029] },
  {
    name: "empty fragments",
    first: clientFrame({ opcode: OPCODES.text, payload: Buffer.from("["), isFinal: false }),
    frame: clientFrame({ opcode: OPCODES.continuation, payload: none, isFinal: false }),
    codes: [1006, 1008, 4029],
  },
  {
    name: "fragments with pings between them",
    first: clientFrame({ opcode: OPCODES.text, payload: Buffer.from("["), isFinal: false }),
    frame: Buffer.concat([
      clientFrame({ opcode: OPCODES.continuation, payload: Buffer.from(" "), isFinal: false }),
      clientFrame({ opcode: OPCODES.ping, payload }),
    ]),
    codes: [1006, 1008, 4029],
  },
];

/** Writes as fast as the line accepts it, until the node ends the line or the time is over. */
async function flood({ line }: OpenLine, { first = none, frame }: Flood): Promise<void> {
  const chunk = Buffer.concat(Array.from({ length: Math.ceil(CHUNK_BYTES / frame.length) }, () => frame));
  const until = Date.now() + FLOOD_MS;
  line.socket.write(first);
  while (!line.isClosed && Date.now() < until) await line.write(chunk);
}

describe("floods", () => {
  let ground: Ground;
  beforeAll(async () => {
    ground = await openGround();
  });
  afterAll(() => ground.close());

  test.each(FLOODS)(
    `$name, of ${CLIENTS} clients: only these clients are stopped`,
    async (kind) => {
      const cookie = await ground.logIn("mallory");
      const before = (await ground.figures()).webSocket.closes;
      await ground.endure(() =>
        inWaves(CLIENTS, CLIENTS, async (at) => {
          const open = await OpenLine.to(ground.port, at % 2 ? cookie : undefined);
          try {
            await flood(open, kind);
            await open.untilClosed(CLOSED_MS);
          } finally {
            open.end();
          }
        }),
      );
      // By the counts of the node, because a close may be lost on a line that is cut during a write.
      const { closes } = (await ground.figures()).webSocket;
      const stopped = kind.codes.map((code) => (closes[code] ?? 0) - (before[code] ?? 0));
      expect(stopped.reduce((sum, count) => sum + count)).toBe(CLIENTS);
    },
    LIMIT_MS,
  );

  test(
    "only handshakes of a foreign origin are refused",
    () =>
      ground.endure(() =>
        inWaves(CLIENTS * 100, CLIENTS, async () => {
          const foreign = OpenLine.to(ground.port, undefined, { Origin: "https://evil.example" });
          await expect(foreign).rejects.toThrow("403");
        }),
      ),
    LIMIT_MS,
  );
});
