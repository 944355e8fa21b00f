/** A message whose send was requested. */
export interface Sent {
  readonly n: number;
  readonly to: { readonly user: string } | { readonly group: string };
  /** The sending node. Its messages to one channel are in order. */
  readonly by: string;
  readonly begunAt: number;
  /** The time of its acknowledgement, if there was one. */
  ackedAt: number | undefined;
}

/** A requested change of a membership or end of a user's sessions. */
export interface Change {
  readonly kind: "join" | "leave" | "delete";
  readonly user: string;
  readonly group?: string;
  readonly begunAt: number;
  ackedAt: number | undefined;
  /** Cookies that a deletion has ended. */
  readonly cookies?: readonly string[];
}

const HUNG_MS = 12_000;

/** All calls to a world, with their answers. */
export class Ledger {
  readonly sent: Sent[] = [];
  readonly changes: Change[] = [];
  /** The times at which a Redis came back without some last changes. */
  undoneAt: number | undefined;
  readonly statuses = new Map<number, number>();
  /** The numbers of cut requests and of requests without an answer in twelve seconds. */
  cut = 0;
  hung = 0;
  #count = 0;

  get requests(): number {
    return [...this.statuses.values()].reduce((sum, count) => sum + count, this.cut + this.hung);
  }

  async request(
    url: string,
    path: string,
    init: { method?: string; headers?: Record<string, string> } = { method: "POST" },
  ): Promise<{ status: number | undefined; body: unknown; cookie: string }> {
    const limit = AbortSignal.timeout(HUNG_MS);
    try {
      const response = await fetch(url + path, { ...init, signal: limit });
      const text = await response.text();
      this.statuses.set(response.status, (this.statuses.get(response.status) ?? 0) + 1);
      const [cookie = ""] = (response.headers.getSetCookie()[0] ?? "").split(";");
      return { status: response.status, body: text ? JSON.parse(text) : undefined, cookie };
    } catch {
      if (limit.aborted) this.hung++;
      else this.cut++;
      return { status: undefined, body: undefined, cookie: "" };
    }
  }

  /** Sends a message, and records the acknowledgement. */
  async send(by: string, to: Sent["to"]): Promise<Sent> {
    const sent: Sent = { n: ++this.#count, to, by, begunAt: Date.now(), ackedAt: undefined };
    this.sent.push(sent);
    const path = "user" in to ? `/user/${to.user}/${sent.n}` : `/group/${to.group}/${sent.n}`;
    const { status } = await this.request(by, path);
    if (status === 200) sent.ackedAt = Date.now();
    return sent;
  }

  /** Makes a change, and records the acknowledgement. */
  async change(by: string, change: Omit<Change, "begunAt" | "ackedAt">): Promise<Change> {
    const noted: Change = { ...change, begunAt: Date.now(), ackedAt: undefined };
    this.changes.push(noted);
    const { status } = await this.request(
      by,
      `/${[change.kind, change.user, change.group].filter(Boolean).join("/")}`,
    );
    if (status === 200) noted.ackedAt = Date.now();
    return noted;
  }
}
