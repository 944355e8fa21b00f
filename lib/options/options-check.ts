import { nearSpelling, sameMeaning, sameSpelling } from "./meant.ts";
import { isGiven, isOptionsObject, kindOf, namesOf } from "./options-object.ts";
import type { Rule, Rules } from "./rule.ts";
import { isRequest } from "./uncalled.ts";

/** All rules by the owner of the options, such as `sessionMiddleware` or `sessionMiddleware's cookie`. */
const known = new Map<string, Rules>();

/** The options of another package entry, which may not be loaded. */
const OF_REDIS_BACKEND = ["client", "prefix", "serializer", "disableTTL", "disableTouch", "scanCount"];

/** Returns the options of all loaded factories and methods, each with its rule. */
export function knownOptions(): ReadonlyMap<string, Rules> {
  return known;
}

/**
 * Creates the check of a factory's options. The check returns a copy of all given options that are not `undefined`.
 * It throws a `TypeError` that names the factory and the wrong option.
 */
export function optionsCheck<Options extends object>(
  factory: string,
  rules: Rules<Options>,
): (given: unknown) => Options {
  addKnown(factory, rules as unknown as Rules);
  return (given) => checkOptions(factory, rules, given === undefined ? {} : given);
}

/** Checks options against a table of rules that does not belong to one factory alone. */
export function checkOptions<Options extends object>(
  factory: string,
  rules: Rules<Options>,
  given: unknown,
): Options {
  return checked(given, { factory, path: "", rules: rules as unknown as Rules }) as Options;
}

function addKnown(whose: string, rules: Rules): void {
  known.set(whose, rules);
  for (const [name, { inside }] of Object.entries(rules)) if (inside) addKnown(`${whose}'s ${name}`, inside);
}

/** The place of options. `path` is the text before their names, such as `cookie.`. */
interface Place {
  readonly factory: string;
  readonly path: string;
  readonly rules: Rules;
}

function checked(given: unknown, place: Place): Record<string, unknown> {
  const { factory, path, rules } = place;
  if (isRequest(given)) throw new TypeError(`${factory}: it was passed uncalled; pass ${factory}(…)`);
  if (!isOptionsObject(given)) {
    const [example] = Object.keys(rules);
    throw new TypeError(`${factory}: options must be an object, as { ${example}: … }, not ${kindOf(given)}`);
  }
  for (const [name, { isRequired, isRight }] of Object.entries(rules)) {
    if (isRequired && isRight(given))
      throw new TypeError(`${factory}: options must be an object, as { ${name} }, not the ${name} itself`);
  }
  const names = namesOf(given);
  for (const name of names) {
    if (!Object.hasOwn(rules, name))
      throw new TypeError(`${factory}: unknown option "${path}${name}"; ${likelyMeaning(name, place)}`);
  }
  const options = Object.create(null) as Record<string, unknown>;
  // The order of the given options is kept: of a cookie's `expires` and `maxAge`, the last one counts. The rules are
  // walked too, because getters of a class are in no list of names.
  for (const name of new Set([...names, ...Object.keys(rules)])) {
    const rule = rules[name] as Rule;
    // The value is read once, because it may be a getter.
    const value: unknown = isGiven(given, name) ? (given as Record<string, unknown>)[name] : undefined;
    if (value === undefined && !rule.isRequired) continue;
    if (value === undefined || !rule.isRight(value)) throw wrongOption(factory, path + name, rule, value);
    const { inside } = rule;
    options[name] =
      inside && isOptionsObject(value)
        ? checked(value, { factory, path: `${path}${name}.`, rules: inside })
        : value;
  }
  return options;
}

/** Creates the error of a wrong option. It does not quote the value, which may be a secret. */
export function wrongOption(
  factory: string,
  option: string,
  { expected, fix }: Pick<Rule, "expected" | "fix">,
  value: unknown,
): TypeError {
  const remedy = fix?.(value);
  return new TypeError(
    `${factory}: option "${option}" must be ${expected}, not ${kindOf(value)}${remedy ? `; ${remedy}` : ""}`,
  );
}

function likelyMeaning(name: string, { factory, path, rules }: Place): string {
  const here = path ? `${factory}'s ${path.slice(0, -1)}` : factory;
  const own = Object.keys(rules);
  const others = [...known].filter(([whose]) => whose !== here);
  const takers = others.filter(([, theirs]) => Object.hasOwn(theirs, name)).map(([whose]) => whose);
  if (OF_REDIS_BACKEND.includes(name) && !known.has("redisBackend")) takers.push("redisBackend");
  const taken = takers.length > 0 ? `"${name}" is an option of ${takers.join(" and of ")}` : "";
  const same = sameSpelling(name, own) ?? sameMeaning(name, own);
  if (same) return `did you mean "${same}"?${taken && ` (${taken})`}`;
  if (taken) return taken;
  const near = nearSpelling(name, own);
  if (near) return `did you mean "${near}"?`;
  for (const find of [sameSpelling, sameMeaning, nearSpelling]) {
    for (const [whose, theirs] of others) {
      const there = find(name, Object.keys(theirs));
      if (there) return `did you mean "${there}", an option of ${whose}?`;
    }
  }
  return `there are ${own.map((option) => `"${option}"`).join(", ")}`;
}
