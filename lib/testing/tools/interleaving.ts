import type { SeededRandom } from "./random.ts";

/** Waits for a few microtasks or turns of the event loop, or for none, so that other steps may come first. */
export async function pause(random: SeededRandom): Promise<void> {
  const byTurn = random.chance(0.5);
  for (let turns = random.int(6); turns > 0; turns--) {
    await (byTurn ? new Promise<void>((resolve) => setImmediate(resolve)) : undefined);
  }
}

/** A copy of the items in random order. */
export function shuffled<T>(random: SeededRandom, items: readonly T[]): T[] {
  const rest = [...items];
  return items.map(() => rest.splice(random.int(rest.length), 1)[0] as T);
}
