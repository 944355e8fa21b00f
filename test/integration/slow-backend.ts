import { setImmediate as immediate } from "node:timers/promises";
import type { Backend } from "../../lib/index.ts";
import type { SeededRandom } from "../support/random.ts";

/** The turns of the event loop that a call waits before and after it. Most wait for few, and overtake the others. */
const FEW_TURNS = 8;
const MANY_TURNS = 200;

/** A backend whose calls take random times, so concurrent calls run in any order. */
export function slowBackend(backend: Backend, random: SeededRandom): Backend {
  const slowed = <T extends object>(target: T, names: readonly string[]): T =>
    new Proxy(target, {
      get(_, name) {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== "function") return member;
        if (!names.includes(String(name))) return member.bind(target);
        return async (...args: unknown[]) => {
          // A subscription has a separate line, which may be slower than all others.
          const mayBeLong = name === "subscribe" ? 0.5 : 0.1;
          await wait(random, mayBeLong);
          const answer = await member.apply(target, args);
          await wait(random, mayBeLong);
          return answer;
        };
      },
    });
  return {
    ...backend,
    registry: slowed(backend.registry, ["arrive", "depart", "forget", "saw", "ofUser", "nodesOf", "online"]),
    memberships: slowed(backend.memberships, ["join", "leave", "isMember", "groupsOf"]),
    // The messages of one publisher stay in order.
    bus: slowed(backend.bus, ["subscribe", "unsubscribe"]),
  };
}

async function wait(random: SeededRandom, mayBeLong: number): Promise<void> {
  for (let turns = random.int(random.chance(mayBeLong) ? MANY_TURNS : FEW_TURNS); turns > 0; turns--)
    await immediate();
}
