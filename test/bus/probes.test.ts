import { Probes } from "../../lib/bus/redis/probes.ts";

/** Channels of which a test decides whether they receive messages. */
function probing(count: number, isHeard: (channel: string) => boolean) {
  const channels = new Map(Array.from({ length: count }, (_, n) => [`channel ${n}`, n] as const));
  const probed = new Set<string>();
  const probes: Probes = new Probes(channels, async (channel, message) => {
    probed.add(channel);
    if (isHeard(channel)) probes.take(channel, message);
  });
  const round = async () => {
    const isDeaf = probes.round();
    await new Promise((resolve) => setImmediate(resolve));
    return isDeaf;
  };
  return { channels, probed, round };
}

describe("Probes", () => {
  // Once, every 151st channel was left out of each turn.
  test.each([5, 150, 151, 152, 457])("of %i channels reach each channel in turn", async (count) => {
    const { probed, round } = probing(count, () => true);
    for (let n = 0; n < 6; n++) expect(await round()).toBe(false);
    expect(probed.size).toBe(count);
  });

  test("find a deaf channel at any position", async () => {
    const { round } = probing(457, (channel) => channel !== "channel 302");
    const rounds = [];
    for (let n = 0; n < 9; n++) rounds.push(await round());
    expect(rounds).toContain(true);
  });

  test("ignore a channel that is no longer subscribed", async () => {
    const { channels, round } = probing(3, () => false);
    await round();
    channels.clear();
    for (let n = 0; n < 5; n++) expect(await round()).toBe(false);
  });
});
