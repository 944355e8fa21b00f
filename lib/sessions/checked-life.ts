/** A life in milliseconds, `Infinity` for one without end. @throws {TypeError} for what is none, before it is written anywhere. */
export function checkedLifeMs(lifeMs: number): number {
  if (typeof lifeMs === "number" && !Number.isNaN(lifeMs)) return lifeMs;
  throw new TypeError(
    "the life of a session must be a number of milliseconds, or Infinity; check what lifeMs of the session store answers",
  );
}
