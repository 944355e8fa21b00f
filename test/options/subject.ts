import type { Row, Rows } from "./values.ts";

/** A factory or a method with options. */
export interface Subject {
  /** The owner of the options, as in their table. */
  readonly whose: string;
  /** The start of a message. The default is that owner. */
  readonly factory?: string;
  /** The text before the option's name in a message. */
  readonly path?: string;
  /** Calls the factory or method with the options. Throws or rejects if they are wrong. */
  readonly make: (options: unknown) => unknown;
  /** The required options. */
  readonly base?: object;
  readonly rows: Readonly<Record<string, Row>>;
}

/** A subject whose rows are all options of a type. */
export function subject<Options>(given: Omit<Subject, "rows"> & { rows: Rows<Options> }): Subject {
  return given as unknown as Subject;
}
