import { isText } from "../is-text.ts";

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
  if ((isText(id) && id !== "") || Number.isFinite(id)) return String(id);
  throw new TypeError(
    "expected a user: an id, or an object with an id, that is a string or a number and not empty",
  );
}
