/** The symbol that marks values made by this package, also for other copies of it. */
const MADE: unique symbol = Symbol.for("express-session-stack.made") as never;

/** The values made by this copy. */
const own = new WeakSet<object>();

/** Marks that a value was made by a factory of this package. */
export function markMade<T extends object>(value: T): T {
  own.add(value);
  return Object.defineProperty(value, MADE, { value: true });
}

/**
 * Refuses values made by another copy of this package.
 *
 * @throws {TypeError} that says so.
 */
export function refuseOtherCopy(value: unknown, where: string): void {
  if (Object(value)[MADE] !== true || own.has(value as object)) return;
  throw new TypeError(
    `${where}: it was made by another copy of express-session-stack; two copies are loaded, such as two versions in ` +
      "node_modules (see npm ls express-session-stack), or one that was reloaded. Use one copy for all of them",
  );
}
