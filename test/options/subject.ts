import type { Row, Rows } from "./values.ts";

/** A factory or a method with options. */
export interface Subject {
  /** Whose options they are, by their table. */
  readonly whose: string;
  /** What stands first in a message; by default that. */
  readonly factory?: string;
  /** What stands before the option's name in a message. */
  readonly path?: string;
  /** Makes what it makes, or calls what is called. Throws or rejects, or gives nothing. */
  readonly make: (options: unknown) => unknown;
  /** The options without which nothing works. */
  readonly base?: object;
  readonly rows: Readonly<Record<string, Row>>;
}

/** A subject whose rows are all options of a type. */
export function subject<Options>(given: Omit<Subject, "rows"> & { rows: Rows<Options> }): Subject {
  return given as unknown as Subject;
}
