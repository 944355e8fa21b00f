import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from "node:http";

type GivenHeaders = OutgoingHttpHeaders | readonly OutgoingHttpHeader[] | undefined;

/**
 * Calls a listener once, just before a response's head is written. The listener can still set headers.
 *
 * The headers that `writeHead` is given are set first. The listener sees them and can add to them, as in the package
 * on-headers.
 */
export function beforeHead(res: ServerResponse, listener: () => void): void {
  const writeHead = res.writeHead as (...args: unknown[]) => ServerResponse;
  let fired = false;

  res.writeHead = function beforeHead(this: ServerResponse, ...args: unknown[]): ServerResponse {
    if (fired) return writeHead.apply(this, args);
    fired = true;
    const [status, message] = args;
    const given = (typeof message === "string" ? args[2] : (args[1] ?? args[2])) as GivenHeaders;
    if (given) setHeaders(this, given);
    if (typeof status === "number") this.statusCode = status;
    listener();
    return writeHead.apply(this, typeof message === "string" ? [status, message] : [status]);
  } as ServerResponse["writeHead"];
}

function setHeaders(res: ServerResponse, given: OutgoingHttpHeaders | readonly OutgoingHttpHeader[]): void {
  for (const [name, value] of headerPairs(given)) {
    if (value !== undefined) res.setHeader(name, value);
  }
}

/** `writeHead` takes an object, a list of pairs, or one flat list of names and values. A list may repeat a name. */
function headerPairs(
  given: OutgoingHttpHeaders | readonly OutgoingHttpHeader[],
): Iterable<[string, OutgoingHttpHeader | undefined]> {
  if (!isList(given)) return Object.entries(given);
  const pairs: [string, OutgoingHttpHeader][] = Array.isArray(given[0])
    ? (given as unknown as [string, OutgoingHttpHeader][])
    : given.flatMap((name, at) => (at % 2 === 0 ? [[String(name), given[at + 1] ?? ""]] : []));
  const byName = new Map<string, [string, OutgoingHttpHeader]>();
  for (const [name, value] of pairs) {
    const key = name.toLowerCase();
    const earlier = byName.get(key)?.[1];
    byName.set(key, [
      name,
      earlier === undefined ? value : ([earlier, value].flat().map(String) as string[]),
    ]);
  }
  return byName.values();
}

function isList(
  given: OutgoingHttpHeaders | readonly OutgoingHttpHeader[],
): given is readonly OutgoingHttpHeader[] {
  return Array.isArray(given);
}
