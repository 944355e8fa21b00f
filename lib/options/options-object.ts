/** Whether a value can have options as its members: an object, an instance of a class, or a module's namespace. */
export function isOptionsObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  // A Map, a promise or a Date is excluded: nobody means their members as options.
  return ["[object Object]", "[object Module]"].includes(Object.prototype.toString.call(value));
}

/**
 * Returns the names of the given options. Names inherited from a class or another object count; names that every
 * object inherits do not.
 */
export function namesOf(options: object): string[] {
  const names: string[] = [];
  for (const name in options) if (isGiven(options, name)) names.push(name);
  return names;
}

/**
 * Whether an option was given. Members that every object inherits do not count: anybody could have put them there.
 */
export function isGiven(options: object, name: string): boolean {
  for (let at: object | null = options; at && !isRoot(at); at = Object.getPrototypeOf(at) as object | null)
    if (Object.hasOwn(at, name)) return true;
  return false;
}

/** Puts options over their defaults, in an object that inherits nothing. */
export function over<Defaults extends object, Options extends object>(
  defaults: Defaults,
  options: Options,
): Defaults & Options {
  return Object.assign(Object.create(null) as object, defaults, options);
}

/** Whether this is an `Object.prototype`, of whichever realm. */
function isRoot(prototype: object): boolean {
  return Object.hasOwn(prototype, "isPrototypeOf");
}

/** Describes the kind of a value without revealing its contents. */
export function kindOf(value: unknown): string {
  if (typeof value === "string") return value === "" ? "an empty string" : "a string";
  if (typeof value === "function") return /^class\b/.test(String(value)) ? "a class" : "a function";
  if (typeof value === "symbol") return "a symbol";
  if (typeof value === "bigint") return "a bigint";
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return value.length === 0 ? "an empty array" : "such an array";
  if (typeof (value as { then?: unknown }).then === "function") return "a promise: await it";
  const maker: unknown = value.constructor;
  const name = typeof maker === "function" && maker !== Object ? maker.name : "";
  return name ? `such a ${name}` : "such an object";
}
