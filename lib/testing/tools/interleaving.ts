import type { SeededRandom } from "./random.ts";

/** Lets none, few or many steps of others come first, by microtasks or by turns of the event loop. */
export async function pause(random: SeededRandom): Promise<void> {
  const byTurn = random.chance(0.5);
  for (let turns = random.int(6); turns > 0; turns--) {
    await (byTurn ? new Promise<void>((resolve) => setImmediate(resolve)) : undefined);
  }
}

/** The items in another order. */
export function shuffled<T>(random: SeededRandom, items: readonly T[]): T[] {
  const rest = [...items];
  return items.map(() => rest.splice(random.int(rest.length), 1)[0] as T);
}
