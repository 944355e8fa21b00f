/** A user: an id, or anything that has one. */
export type User =
  | string
  | number
  | {
      /** Not empty; a number is the same as its text. */
      readonly id: string | number;
    };

/** The id of a user. @throws {TypeError} if there is none. */
export function userIdOf(user: User): string {
  const id = typeof user === "object" && user !== null ? user.id : user;
  // Half of a surrogate pair has no UTF-8: as part of a key, all of them are the same.
  if ((typeof id === "string" && id !== "" && !/\p{Surrogate}/u.test(id)) || Number.isFinite(id))
    return String(id);
  throw new TypeError(
    "expected a user: an id, or an object with an id, that is a string or a number and not empty",
  );
}
