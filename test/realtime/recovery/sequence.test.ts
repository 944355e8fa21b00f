import { setImmediate as turn } from "node:timers/promises";
import { MemoryBus } from "../../../lib/bus/memory-bus.ts";
import type { Position } from "../../../lib/history/history.ts";
import { MemoryHistory } from "../../../lib/history/memory-history.ts";
import { type Numbered, numbered, readNumbered } from "../../../lib/history/numbered.ts";
import { Sequence, type SequenceHost } from "../../../lib/realtime/recovery/sequence.ts";
import { seededRandom } from "../../support/random.ts";

const CHANNEL = "group:room";
const RUNS = Number(process.env.RUNS ?? 500);

/**
 * One channel of a node, whose bus loses, repeats and delays messages, and whose history is trimmed, renewed and fails.
 * At the end each message that was sent has been delivered once and in order, or a loss was told at its place.
 */
async function attack(seed: number): Promise<void> {
  const { chance, int } = seededRandom(seed);
  const history = new MemoryHistory(new MemoryBus());
  const limits = { maxMessages: 2 + int(8), maxAgeSeconds: 60 };
  const onTheWay: Numbered[] = [];
  const given: (Numbered | { lost: Position })[] = [];
  const due = new Set<string>();
  let isHolding = false;
  let mayFail = true;
  const host: SequenceHost<string> = {
    hears: async () => true,
    get isHolding() {
      return isHolding;
    },
    async read(channel, after) {
      await turn();
      if (mayFail && chance(0.2)) throw new Error("no answer");
      const page = await history.read(channel, {
        after,
        upTo: Number.POSITIVE_INFINITY,
        limit: 1 + int(4),
        maxBytes: 1_000,
        from: "oldest",
        maxAgeSeconds: 60,
      });
      await turn();
      return page;
    },
    renew: (channel, epoch) => history.renew(channel, epoch),
    begun() {},
    deliver: (_, message) => void given.push(message),
    tellLost: (_, position) => void given.push({ lost: position }),
    later: (channel) => void due.add(channel),
    countFilled() {},
  };
  const sequence = new Sequence(host, CHANNEL);
  const [start] = (await history.positions([CHANNEL])) as [Position];
  sequence.begin(start);
  let sent = 0;
  for (let step = 0; step < 60; step++) {
    const action = int(100) / 100;
    if (action < 0.5) {
      const position = await history.append(CHANNEL, `m${++sent}`, limits);
      if (!chance(0.3)) onTheWay.push({ ...position, message: `m${sent}` });
    } else if (action < 0.75) {
      const next = onTheWay.shift();
      if (next) {
        sequence.take(readNumbered(numbered(next, next.message)) as Numbered);
        if (chance(0.1)) sequence.take(next);
      }
    } else if (action < 0.8) {
      isHolding = !isHolding;
    } else if (action < 0.85) {
      const { epoch } = sequence.position as Position;
      await history.renew(CHANNEL, epoch);
    } else if (action < 0.88) {
      await history.forget(CHANNEL);
    } else {
      due.clear();
      void sequence.goOn();
    }
    if (chance(0.5)) await turn();
  }
  isHolding = mayFail = false;
  for (const message of onTheWay) sequence.take(message);
  const [end] = (await history.positions([CHANNEL])) as [Position];
  for (let n = 0; n < 100 && !isAt(sequence.position, end); n++) {
    await sequence.goOn();
    await turn();
  }
  expect(sequence.position).toEqual(end);
  let at = 0;
  let epoch = start.epoch;
  for (const each of given) {
    if ("lost" in each) {
      expect(each.lost.offset).toBeGreaterThanOrEqual(at);
      ({ offset: at, epoch } = each.lost);
    } else {
      expect(each).toEqual({ epoch, offset: at + 1, message: `m${at + 1}` });
      at++;
    }
  }
  expect(at).toBe(sent);
}

function isAt(position: Position | undefined, { epoch, offset }: Position): boolean {
  return position?.epoch === epoch && position.offset === offset;
}

test("each message is delivered once and in order, or its loss is told, whatever the bus and the history do", async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
  for (let run = 0; run < RUNS; run++) {
    try {
      await attack(seed + run);
    } catch (error) {
      throw new Error(`SEED=${seed + run}: ${String(error)}`, { cause: error });
    }
  }
});
