import { isText } from "../../names/is-text.ts";
import { isName, MAX_NAME_LENGTH } from "../../names/name.ts";

/** Checks the name of a group: it has 1 to 256 characters of any kind. @throws {TypeError} */
export function groupName(group: string): string {
  if (isName(group)) return group;
  throw new TypeError(`expected the name of a group: a string of 1 to ${MAX_NAME_LENGTH} characters`);
}

/** Checks a group name for `leave`. It may be longer: the user may have joined when longer names were allowed. */
export function storedGroupName(group: string): string {
  return isText(group) && group.length > MAX_NAME_LENGTH ? group : groupName(group);
}
