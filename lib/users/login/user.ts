import { isName, MAX_NAME_LENGTH } from "../../names/name.ts";

/** A user: an id, or an object that has an id. */
export type User =
  | string
  | number
  | {
      /** The id has 1 to 256 characters. A number counts as its text. */
      readonly id: string | number;
    };

/** Returns the id of a user. @throws {TypeError} if there is none. */
export function userIdOf(user: User): string {
  const id = typeof user === "object" && user !== null ? user.id : user;
  if (isName(id) || Number.isFinite(id)) return String(id);
  throw new TypeError(
    `expected a user: an id, or an object with an id, that is a number, or a string of 1 to ${MAX_NAME_LENGTH} characters`,
  );
}
