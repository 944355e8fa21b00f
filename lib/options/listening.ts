import { nearSpelling, sameSpelling } from "./meant.ts";

/**
 * Checks the event name and the listener of an `on` call. Without the check, a listener of a misspelt event would
 * never be called.
 *
 * @throws {TypeError} that names what is wrong.
 */
export function checkListening(
  whose: string,
  events: readonly string[],
  event: unknown,
  listener: unknown,
): void {
  const name = String(event);
  if (!events.includes(name)) {
    const meant = sameSpelling(name, events) ?? nearSpelling(name, events);
    const there = events.map((each) => `"${each}"`).join(" and ");
    const fix = meant === undefined ? `it has ${there}` : `did you mean "${meant}"?`;
    throw new TypeError(`${whose}: unknown event "${name}"; ${fix}`);
  }
  if (typeof listener !== "function")
    throw new TypeError(`${whose}: the listener of "${name}" must be a function`);
}
