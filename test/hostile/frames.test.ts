import { verdictOn } from "./frame-model.ts";
import { clientFrame, OPCODES, textFrame } from "./frames.ts";
import { type Ground, openGround } from "./ground.ts";
import { type OddFrames, oddFrames } from "./odd-frames.ts";
import { OpenLine } from "./open-line.ts";
import { forAll, LIMIT_MS, RUNS } from "./runs.ts";

const ANSWER_MS = 20_000;
const PROBE = Buffer.from("are you there?");
const PROBE_ID = "probe 7c9a";

/** The error of an echo whose data is too deep. */
const TOO_DEEP = /^RangeError: Maximum call stack size exceeded/;

/** Sends frames, and asserts that the answers follow the protocol. */
async function attack(
  port: number,
  { bytes, pieces }: OddFrames,
  cookie: string | undefined,
): Promise<string> {
  const verdict = verdictOn(bytes);
  const open = await OpenLine.to(port, cookie);
  try {
    await open.line.send(bytes, pieces);
    if (verdict.code !== undefined) {
      expect(await open.untilClosed(ANSWER_MS)).toBe(verdict.code);
    } else if (!verdict.isCut) {
      await open.line.send(clientFrame({ opcode: OPCODES.ping, payload: PROBE }));
      await open.line.until(() => hasPong(open, PROBE) || undefined, ANSWER_MS, "pong");
      if (!verdict.isFragmented) await untilEchoed(open);
      expect(open.code).toBeUndefined();
    }
    if (!verdict.isCut) {
      const pongs = open.frames.filter(({ opcode }) => opcode === OPCODES.pong);
      expect(pongs.slice(0, verdict.pings.length).map(({ payload }) => payload)).toEqual(verdict.pings);
    }
    for (const text of open.texts) expect(JSON.parse(text)).toMatchObject({ status: expect.any(String) });
    return String(verdict.code ?? (verdict.isCut ? "cut" : "goes on"));
  } finally {
    open.end();
  }
}

function hasPong(open: OpenLine, data: Buffer): boolean {
  return open.frames.some(({ opcode, payload }) => opcode === OPCODES.pong && payload.equals(data));
}

async function untilEchoed(open: OpenLine): Promise<void> {
  await open.line.send(textFrame(JSON.stringify({ event_type: "echo", id: PROBE_ID, data: {} })));
  const isEcho = (text: string) => text.includes(PROBE_ID);
  await open.line.until(() => open.texts.some(isEcho) || undefined, ANSWER_MS, "echo");
}

describe("frames of every kind", () => {
  let ground: Ground;
  beforeAll(async () => {
    ground = await openGround({ failures: TOO_DEEP });
  });
  afterAll(() => ground.close());

  test(
    `${RUNS}: the connection stays open, or it alone closes with the code of the protocol`,
    async () => {
      const cookie = await ground.logIn("mallory");
      const outcomes = new Map<string, number>();
      await ground.endure(() =>
        forAll(oddFrames, async (frames) => {
          const outcome = await attack(ground.port, frames, frames.isUser ? cookie : undefined);
          outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        }),
      );
      if (process.env.RUNS) console.info(Object.fromEntries([...outcomes].sort()));
      expect([...outcomes.keys()]).toEqual(expect.arrayContaining(["goes on", "1002", "1007"]));
    },
    LIMIT_MS,
  );
});
