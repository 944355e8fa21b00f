/**
 * A validator for the data of events. This is the part of Standard Schema 1 (standardschema.dev) that realtime uses.
 * The libraries zod, valibot, arktype and others implement it.
 */
export interface StandardSchema<Output> {
  readonly "~standard": {
    readonly version: 1;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

/** The checked value, or the issues with the data. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One issue with the data. */
export interface SchemaIssue {
  /** A description of the issue. The client is told this text. */
  readonly message: string;
  /** The place of the issue in the data. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The most issues in one answer. A client may send data with thousands of issues. */
const TOLD = 5;

/** The most characters of each issue. An issue may quote names that a client has made up. */
const TOLD_LENGTH = 200;

/** Describes what is wrong with the data, one issue after the other. */
export function describeIssues(issues: readonly SchemaIssue[]): string {
  const told = issues.slice(0, TOLD).map(({ message, path = [] }) => {
    const names = path.map((step) => String(typeof step === "object" ? step.key : step));
    return (names.length > 0 ? `${names.join(".")}: ${message}` : message).slice(0, TOLD_LENGTH);
  });
  return told.concat(issues.length > TOLD ? [`and ${issues.length - TOLD} more`] : []).join("; ");
}
