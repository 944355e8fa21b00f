import { type Ground, openGround } from "./ground.ts";
import { Line } from "./line.ts";
import { type OddUpgrade, oddUpgrades } from "./odd-upgrades.ts";
import { type Received, receivedIn } from "./responses.ts";
import { isAnswerTo, keyOfRightHandshake } from "./right-handshake.ts";
import { forAll, LIMIT_MS, RUNS } from "./runs.ts";

/** The node gives up an incomplete request after three seconds. */
const ANSWER_MS = 20_000;
const CLOSE_MS = 10_000;

/** Sends a handshake, and waits for an answer or the end of the line. */
async function answerTo(port: number, { bytes, pieces, isHead }: OddUpgrade): Promise<Received> {
  const line = await Line.to(port);
  const soFar = () => receivedIn(line.received.toString("latin1"), { isClosed: line.isClosed, isHead });
  try {
    await line.send(bytes, pieces);
    const received = await line.until(
      () => {
        const now = soFar();
        return now.responses.some(({ status }) => status >= 200 || status === 101) || line.isClosed
          ? now
          : undefined;
      },
      ANSWER_MS,
      "answer",
    );
    // A response with "Connection: close" closes the line.
    if (received.responses.at(-1)?.headers.get("connection") === "close") await line.untilClosed(CLOSE_MS);
    return soFar();
  } finally {
    line.end();
  }
}

/** Asserts that no answer is cut short, and that each 101 belongs to a valid handshake. */
function judge({ bytes }: OddUpgrade, { responses, rest }: Received): void {
  const sent = bytes.toString("latin1");
  const switched = responses.findIndex(({ status }) => status === 101);
  if (switched < 0) {
    if (rest !== "") throw new Error(`An answer is not whole: ${JSON.stringify(rest)}`);
    return;
  }
  // After other answers, it may belong to any request after the first.
  const starts = switched === 0 ? [0] : [...sent.matchAll(/GET /g)].map(({ index }) => index);
  const keys = starts.map((at) => keyOfRightHandshake(sent.slice(at)));
  if (!keys.some((key) => key !== undefined && isAnswerTo(key, responses[switched] as (typeof responses)[0])))
    throw new Error(`101 for ${JSON.stringify(sent)}`);
}

describe("upgrades of every kind", () => {
  let ground: Ground;
  beforeAll(async () => {
    ground = await openGround();
  });
  afterAll(() => ground.close());

  test(
    `${RUNS}: each gets a complete answer or its line is closed, and only a valid handshake gets 101`,
    async () => {
      const statuses = new Map<string, number>();
      await ground.endure(() =>
        forAll(oddUpgrades, async (upgrade) => {
          const received = await answerTo(ground.port, upgrade);
          judge(upgrade, received);
          const status = String(received.responses[0]?.status ?? "closed");
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
        }),
      );
      if (process.env.RUNS) console.info(Object.fromEntries(statuses));
      // Some are refused and some accepted.
      expect([...statuses.keys()]).toEqual(expect.arrayContaining(["101", "400"]));
    },
    LIMIT_MS,
  );
});
