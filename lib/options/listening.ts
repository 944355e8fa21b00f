import { nearSpelling, sameSpelling } from "./meant.ts";

/**
 * Checks what is listened for and by what: an event that is misspelt would never be heard.
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
