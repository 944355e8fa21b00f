import { setImmediate as immediate } from "node:timers/promises";
import type { Backend } from "../../lib/index.ts";
import type { SeededRandom } from "../support/random.ts";

/** Turns of the event loop that a call may wait for, before it and after it. */
const TURNS = 8;

/** A backend each of whose calls takes its own time, so that what is asked for at once is done in any order. */
export function slowBackend(backend: Backend, random: SeededRandom): Backend {
  const slowed = <T extends object>(target: T, names: readonly string[]): T =>
    new Proxy(target, {
      get(_, name) {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== "function") return member;
        if (!names.includes(String(name))) return member.bind(target);
        return async (...args: unknown[]) => {
          await turns(random.int(TURNS));
          const answer = await member.apply(target, args);
          await turns(random.int(TURNS));
          return answer;
        };
      },
    });
  return {
    ...backend,
    registry: slowed(backend.registry, ["arrive", "depart", "forget", "saw", "ofUser", "nodesOf"]),
    memberships: slowed(backend.memberships, ["join", "leave", "groupsOf"]),
    // What one publishes stays in order.
    bus: slowed(backend.bus, ["subscribe", "unsubscribe"]),
  };
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await immediate();
}
