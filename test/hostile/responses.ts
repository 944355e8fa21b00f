/** A whole HTTP response, as it was received. */
export interface ReceivedResponse {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export interface Received {
  readonly responses: readonly ReceivedResponse[];
  /** What comes after the last of them: a response that is not whole yet, or frames. */
  readonly rest: string;
}

const STATUS_LINE = /^HTTP\/1\.[01] (\d{3})(?: [^\r\n]*)?$/;
const SWITCHED = 101;

/**
 * Takes received bytes, as latin1, apart into whole responses. One that says nothing of its length is whole when the line has
 * been closed. @throws for what is no HTTP.
 */
export function receivedIn(
  bytes: string,
  { isClosed, isHead }: { isClosed: boolean; isHead: boolean },
): Received {
  const responses: ReceivedResponse[] = [];
  let rest = bytes;
  while (rest !== "") {
    const end = rest.indexOf("\r\n\r\n");
    if (end < 0) break;
    const [statusLine = "", ...lines] = rest.slice(0, end).split("\r\n");
    const status = Number(STATUS_LINE.exec(statusLine)?.[1] ?? Number.NaN);
    if (Number.isNaN(status)) throw new Error(`No status line: ${JSON.stringify(statusLine)}`);
    const headers = new Map(
      lines.map((line) => {
        const [, name = "", value = ""] = /^([!#$%&'*+\-.^_`|~\w]+):[ \t]*(.*)$/s.exec(line) ?? [];
        if (name === "") throw new Error(`No header: ${JSON.stringify(line)}`);
        return [name.toLowerCase(), value];
      }),
    );
    const behind = rest.slice(end + 4);
    const body = bodyOf(behind, { status, headers, isClosed, isHead: isHead && responses.length === 0 });
    if (!body) break;
    responses.push({ status, headers, body: body.text });
    rest = behind.slice(body.length);
    if (status === SWITCHED) break;
  }
  return { responses, rest };
}

interface Head {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly isClosed: boolean;
  readonly isHead: boolean;
}

/** The body, and what it takes on the line; `undefined` if it is not whole. */
function bodyOf(
  bytes: string,
  { status, headers, isClosed, isHead }: Head,
): { text: string; length: number } | undefined {
  if (isHead || status < 200 || status === 204 || status === 304) return { text: "", length: 0 };
  const length = headers.get("content-length");
  if (length !== undefined) {
    const text = bytes.slice(0, Number(length));
    return text.length === Number(length) ? { text, length: text.length } : undefined;
  }
  if (headers.get("transfer-encoding") === "chunked") {
    const end = bytes.indexOf("0\r\n\r\n");
    return end < 0 ? undefined : { text: bytes.slice(0, end), length: end + 5 };
  }
  return isClosed ? { text: bytes, length: bytes.length } : undefined;
}
