/**
 * The names of options in this package, by names that other packages use or that were used once. All keys are in
 * lower case.
 */
const ALIASES: Readonly<Record<string, readonly string[]>> = Object.freeze({
  allowedorigins: ["origins"],
  allowrequest: ["authorize"],
  auth: ["authorize"],
  backend: ["store"],
  canjoin: ["authorizeGroup"],
  compression: ["perMessageDeflate"],
  cookiename: ["name"],
  cors: ["origins"],
  exclude: ["except"],
  expires: ["maxAge", "ttl"],
  expiry: ["maxAge", "ttl"],
  generateid: ["genid"],
  key: ["name"],
  keyprefix: ["prefix"],
  keys: ["secret"],
  maxage: ["ttl"],
  maxconnections: ["maxConnectionsPerUser"],
  maxhttpbuffersize: ["maxPayload"],
  maxsessions: ["maxSessionsPerUser"],
  pinginterval: ["pingIntervalMs"],
  pingtimeout: ["inactivityThresholdSeconds"],
  redis: ["client", "backend"],
  redisclient: ["client", "backend"],
  secrets: ["secret"],
  store: ["backend", "connectionStore"],
  trustproxy: ["proxy"],
  ttl: ["maxAge"],
  verifyclient: ["authorize"],
});

/** Returns the known option whose name differs only in case, hyphens, plural or unit. */
export function sameSpelling(name: string, known: readonly string[]): string | undefined {
  return (
    known.find((other) => plainOf(other) === plainOf(name)) ??
    known.find((other) => stemOf(other) === stemOf(name))
  );
}

/** Returns the known option that has the same meaning under another name. */
export function sameMeaning(name: string, known: readonly string[]): string | undefined {
  const plain = plainOf(name);
  const aliases = Object.hasOwn(ALIASES, plain) ? ALIASES[plain] : undefined;
  return aliases?.find((alias) => known.includes(alias));
}

/** Returns the known option that is spelt almost like the name or begins with it. */
export function nearSpelling(name: string, known: readonly string[]): string | undefined {
  const plain = plainOf(name);
  // In a short name, a few different letters are too many.
  const most = Math.min(3, Math.floor(plain.length / 4));
  const [nearest] = known
    .map((other) => ({ other, distance: distance(plain, plainOf(other)) }))
    .filter((found) => found.distance <= most)
    .sort((a, b) => a.distance - b.distance);
  if (nearest) return nearest.other;
  return plain.length >= 4 ? known.find((other) => plainOf(other).startsWith(plain)) : undefined;
}

/** `max-age`, `MAXAGE` and `maxAge` are the same. */
function plainOf(name: string): string {
  return name.replace(/[-_\s]/g, "").toLowerCase();
}

/** A name without its unit. */
function stemOf(name: string): string {
  return plainOf(name).replace(/(ms|millis|milliseconds|s|secs?|seconds|bytes)$/, "");
}

/** Counts the letters to add, remove, change or swap with the next one until one text is the other. */
function distance(from: string, to: string): number {
  let before: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const changed = Number(last[j - 1]) + (from[i - 1] === to[j - 1] ? 0 : 1);
      const least = Math.min(changed, Number(last[j]) + 1, Number(row[j - 1]) + 1);
      const isSwapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      row.push(isSwapped ? Math.min(least, Number(before[j - 2]) + 1) : least);
    }
    before = last;
    last = row;
  }
  return Number(last.at(-1));
}
