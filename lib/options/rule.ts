import { isDelay } from "../time/is-delay.ts";

/** The rule for the values of one option. */
export interface Rule {
  /** The description of right values, after "must be". */
  readonly expected: string;
  /** Whether a value is right. It is never asked about `undefined`, which stands for the default. */
  readonly isRight: (value: unknown) => boolean;
  /** Returns what to write instead of a wrong value, if that can be said. */
  readonly fix?: (value: unknown) => string | undefined;
  /** Whether there is no default. */
  readonly isRequired?: boolean;
  /** The rules of the inner options, if a right value can be an object with options of its own. */
  readonly inside?: Rules;
}

/** The rules of a factory's options, by name. */
export type Rules<Options = Record<string, unknown>> = { readonly [Name in keyof Options]-?: Rule };

export const trueOrFalse: Rule = {
  expected: "true or false",
  isRight: (value) => typeof value === "boolean",
};

export const aFunction: Rule = { expected: "a function", isRight: isFunction };

/** Milliseconds that a timer can wait. */
export const delay: Rule = {
  expected: "a number of milliseconds, more than 0, below 2 ** 31",
  isRight: isDelay as Rule["isRight"],
};

/** Milliseconds that a timer can wait, or 0. */
export const delayOr0: Rule = {
  expected: "a number of milliseconds, 0 or more, below 2 ** 31",
  isRight: (value) => value === 0 || delay.isRight(value),
};

/** A greatest number of things. */
export const limit: Rule = {
  expected: "a whole number, at least 1, or Infinity",
  isRight: (value) => value === Number.POSITIVE_INFINITY || (Number.isInteger(value) && Number(value) >= 1),
};

/** A greatest number of things, or 0. */
export const limitOr0: Rule = {
  expected: "a whole number, at least 0, or Infinity",
  isRight: (value) => value === 0 || limit.isRight(value),
};

/** Any measure. `Infinity` means no limit. */
export const above0: Rule = {
  expected: "a number above 0",
  isRight: (value) => typeof value === "number" && value > 0,
};

/** A whole number from 1 to `most`; `expected` says so. */
export function wholeNumber(expected: string, most: number = Number.MAX_SAFE_INTEGER): Rule {
  return {
    expected,
    isRight: (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= most,
  };
}

export function oneOf(...texts: readonly string[]): Rule {
  const quoted = texts.map((text) => `"${text}"`);
  return {
    expected: `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`,
    isRight: (value) => texts.includes(value as string),
  };
}

/** The same rule for an option that must be given. */
export function required(rule: Rule): Rule {
  return { ...rule, isRequired: true };
}

export function isFunction(value: unknown): boolean {
  return typeof value === "function";
}

/** Whether something has methods of these names. */
export function hasMethods(value: unknown, ...names: readonly string[]): boolean {
  if (typeof value !== "object" || value === null) return false;
  return names.every((name) => isFunction((value as Record<string, unknown>)[name]));
}
