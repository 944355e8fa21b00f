/**
 * Returns a life in milliseconds; `Infinity` means that it never ends.
 *
 * @throws {TypeError} if the value is not a number, before anything is written.
 */
export function checkedLifeMs(lifeMs: number): number {
  if (typeof lifeMs === "number" && !Number.isNaN(lifeMs)) return lifeMs;
  throw new TypeError(
    "the life of a session must be a number of milliseconds, or Infinity; check what lifeMs of the session store answers",
  );
}
