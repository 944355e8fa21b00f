/** A message to other nodes. One with a `question` asks for a reply. */
export interface Message {
  readonly type: string;
  readonly payload: unknown;
  readonly from: string;
  readonly question?: string;
}

/** A node's reply to a question. */
export interface Reply {
  readonly question: string;
  readonly node: string;
  readonly answer: unknown;
}

/** Parses text from another node. Returns `undefined` if the text is no JSON object. */
export function parsed<T extends object>(text: string): T | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as T) : undefined;
  } catch {
    return undefined;
  }
}
