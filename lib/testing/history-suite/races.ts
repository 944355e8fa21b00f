import { pause } from "../tools/interleaving.ts";
import { type SeededRandom, seededRandom } from "../tools/random.ts";
import { range } from "../tools/range.ts";
import { Chronicle } from "../tools/spans.ts";
import { everything, many, readAll } from "./pages.ts";
import { ChannelModel } from "./races-model.ts";
import type { HistoryNode, RuleDeclarer } from "./suite-options.ts";

const seeds = range(40).map((n) => n + 1);

/** Every call takes place at one moment, whatever runs at the same time. */
export function raceRules(rule: RuleDeclarer): void {
  rule("is true at one moment in each answer, however many nodes race", async ({ nodes }) => {
    for (const seed of seeds) await raceHistory(nodes, seed);
  });
}

/** Races calls on few channels from the given nodes, and asserts that each answer fits into one order of all calls. */
export async function raceHistory(nodes: readonly HistoryNode[], seed: number): Promise<void> {
  const random = seededRandom(seed);
  const chronicle = new Chronicle();
  const limits = { ...many, maxMessages: random.pick([1, 3, 8, 50]) };
  const models = range(2).map((n) => new ChannelModel(`seed ${seed} channel ${n}`, limits.maxMessages));
  try {
    for (const model of models) for (const { bus } of nodes) await model.listen(bus);
    await Promise.all([...range(40).map(step), ...range(3).map(visit)]);
    for (const model of models) await model.assertTrue((nodes[0] as HistoryNode).history);
  } catch (cause) {
    throw new Error(`seed ${seed}: ${(cause as Error).message}`, { cause });
  }

  async function step(_: unknown, n: number): Promise<void> {
    const { history } = random.pick(nodes);
    const model = random.pick(models);
    const { channel } = model;
    const kind = random.int(10);
    const page = pageOf(random);
    for (let turns = random.int(5); turns > 0; turns--) await pause(random);
    if (kind < 5) {
      const message = `message ${n}`;
      const span = await chronicle.during(() => history.append(channel, message, limits));
      model.appended.push({ message, ...span });
    } else if (kind < 8) {
      const span = await chronicle.during(() => history.read(channel, { ...everything, ...page }));
      model.pages.push({ range: { ...everything, ...page }, ...span });
    } else if (kind < 9) {
      const span = await chronicle.during(() => history.positions(models.map((each) => each.channel)));
      for (const [at, each] of models.entries())
        each.positions.push({ ...span, result: span.result[at] as never });
    } else if (random.chance(0.3)) {
      model.forgotten.push(await chronicle.during(() => history.forget(channel)));
    }
  }

  /** Enters and reads in turns, as one user does. */
  async function visit(n: number): Promise<void> {
    const model = random.pick(models);
    const reader = `user ${n}`;
    for (let turns = 4; turns > 0; turns--) {
      await pause(random);
      const entering = await chronicle.during(() =>
        random.pick(nodes).history.enter(model.channel, reader, 60),
      );
      model.positions.push(entering);
      await pause(random);
      const span = await chronicle.during(() =>
        readAll(random.pick(nodes).history, model.channel, { reader }),
      );
      model.pages.push({ range: everything, ...span, enteredAfter: entering.result.offset });
    }
  }
}

function pageOf(random: SeededRandom) {
  if (random.chance(0.5)) return {};
  return {
    after: random.int(8),
    limit: 1 + random.int(5),
    from: random.pick(["oldest", "newest"] as const),
  };
}
