/** What a node tells others, or asks them. */
export interface Message {
  readonly type: string;
  readonly payload: unknown;
  readonly from: string;
  readonly question?: string;
}

/** What a node answers. */
export interface Reply {
  readonly question: string;
  readonly node: string;
  readonly answer: unknown;
}

/** What another node has said; `undefined` if it was none. */
export function parsed<T extends object>(text: string): T | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as T) : undefined;
  } catch {
    return undefined;
  }
}
