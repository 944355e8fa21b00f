/**
 * What a validator must have to check the data of events: the part of Standard Schema 1 (standardschema.dev) that is
 * used, which zod, valibot, arktype and others implement.
 */
export interface StandardSchema<Output> {
  readonly "~standard": {
    readonly version: 1;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

/** The checked value, or what is wrong with it. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One thing that is wrong with data. */
export interface SchemaIssue {
  /** What is wrong, in words that the client is told. */
  readonly message: string;
  /** Where in the data it is. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** Issues that an answer tells of: a client may send data with thousands. */
const TOLD = 5;

/** Characters of each: it may quote names that a client has made up. */
const TOLD_LENGTH = 200;

/** Says what is wrong with data, one issue after the other. */
export function describeIssues(issues: readonly SchemaIssue[]): string {
  const told = issues.slice(0, TOLD).map(({ message, path = [] }) => {
    const names = path.map((step) => String(typeof step === "object" ? step.key : step));
    return (names.length > 0 ? `${names.join(".")}: ${message}` : message).slice(0, TOLD_LENGTH);
  });
  return told.concat(issues.length > TOLD ? [`and ${issues.length - TOLD} more`] : []).join("; ");
}
