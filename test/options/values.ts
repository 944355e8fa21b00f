/** Values of an option: some valid ones, and wrong ones of each kind. */
export interface Row {
  readonly right: readonly unknown[];
  readonly wrong: readonly unknown[];
}

/** A row for each option. TypeScript and a test report a missing one. */
export type Rows<Options> = { readonly [Name in keyof Options]-?: Row };

export const nothing = async (): Promise<undefined> => undefined;
class Something {}

export const noBoolean: readonly unknown[] = ["true", "false", "yes", "no", "", 0, 1, null, {}, [], nothing];
export const noFunction: readonly unknown[] = ["x", true, 0, null, {}, [], /re/, Promise.resolve(nothing)];
export const noNumber: readonly unknown[] = ["1", "1h", "", true, null, {}, [1], Number.NaN, new Date(), 1n];
export const noObject: readonly unknown[] = [
  "x",
  "",
  true,
  false,
  0,
  null,
  [],
  new Map(),
  Promise.resolve({}),
];

export const trueOrFalse: Row = { right: [true, false], wrong: noBoolean };
export const aFunction: Row = { right: [nothing, () => true, function named() {}], wrong: noFunction };

export const delay: Row = {
  right: [1, 1.5, 1_000, 2 ** 31 - 1],
  wrong: [...noNumber, 0, -1, 2 ** 31, Number.POSITIVE_INFINITY],
};

export const delayOr0: Row = {
  right: [0, ...delay.right],
  wrong: delay.wrong.filter((value) => value !== 0),
};

export const limit: Row = {
  right: [1, 100, Number.POSITIVE_INFINITY],
  wrong: [...noNumber, 0, -1, 1.5, Number.NEGATIVE_INFINITY],
};

export const limitOr0: Row = {
  right: [0, ...limit.right],
  wrong: limit.wrong.filter((value) => value !== 0),
};

export const above0: Row = { right: [0.5, 1, Number.POSITIVE_INFINITY], wrong: [...noNumber, 0, -1] };

export const secret: Row = {
  right: ["a", Buffer.from("a"), new Uint8Array(1), ["new", "old"], ["new", Buffer.from("old")]],
  wrong: ["", [""], ["right", ""], [undefined], null, 7, true, {}, nothing, Buffer.alloc(0), [["a"]]],
};

export const aClass = Something;
