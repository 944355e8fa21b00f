/** Runs a step once before the next call of a method does its work. */
export function beforeNext<T extends object>(target: T, method: keyof T & string, step: () => unknown): void {
  const methods = target as Record<string, (...args: unknown[]) => unknown>;
  const original = methods[method]?.bind(target);
  methods[method] = async (...args) => {
    Reflect.deleteProperty(methods, method);
    await step();
    return original?.(...args);
  };
}

/** Lets the next call of a method do its work, and changes its answer: late, never, or an error. */
export function answerNext<T extends object>(
  target: T,
  method: keyof T & string,
  answer: (answered: unknown) => unknown,
): void {
  const methods = target as Record<string, (...args: unknown[]) => unknown>;
  const original = methods[method]?.bind(target);
  methods[method] = async (...args) => {
    Reflect.deleteProperty(methods, method);
    return answer(await original?.(...args));
  };
}

/** A lost answer: the caller receives an error. */
export function lost(): never {
  throw new Error("The line was cut");
}

/** A promise that the test settles. */
export function gate(): { opened: Promise<void>; open: () => void } {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
