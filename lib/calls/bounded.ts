import type { Bounds } from "./bounds.ts";

/** Wraps an object whose methods all return promises. Every call is bounded. */
export function bounded<T extends object>(target: T, bounds: Bounds): T {
  return new Proxy(target, {
    get(_, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => bounds.call(() => member.apply(target, args) as Promise<unknown>);
    },
  });
}
