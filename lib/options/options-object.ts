/** What has options as its members: an object, an instance of a class, or a module's namespace. */
export function isOptionsObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  // Not a Map, a promise or a Date, whose members nobody has meant as options.
  return ["[object Object]", "[object Module]"].includes(Object.prototype.toString.call(value));
}

/** The names of what is given, inherited from a class or another object too; not what every object inherits. */
export function namesOf(options: object): string[] {
  const names: string[] = [];
  for (const name in options) if (isGiven(options, name)) names.push(name);
  return names;
}

/** Whether an option was given, rather than found on what every object inherits, where it would be anybody's. */
export function isGiven(options: object, name: string): boolean {
  for (let at: object | null = options; at && !isRoot(at); at = Object.getPrototypeOf(at) as object | null)
    if (Object.hasOwn(at, name)) return true;
  return false;
}

/** Options over their defaults, in an object that inherits nothing. */
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

/** What a value is, in words that give nothing of its contents away. */
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
