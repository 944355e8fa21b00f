import type { Backend } from "../backend/backend.ts";
import { bounded } from "../calls/bounded.ts";
import type { Bounds } from "../calls/bounds.ts";
import type { History } from "../history/history.ts";
import type { KeepHistories } from "./delivery/channels.ts";
import type { RealtimeConnection } from "./realtime-connection.ts";
import type { RealtimeConfig } from "./realtime-options.ts";
import type { HistoryCounts } from "./recovery/history-counts.ts";
import { HistoryRequests } from "./recovery/history-requests.ts";
import type { HistoryRule } from "./recovery/history-rule.ts";
import { Joins } from "./recovery/joins.ts";
import { KeptChannels } from "./recovery/kept-channels.ts";

/** Milliseconds within which a node that hears the bus hears itself. */
const HEARD_WITHIN_MS = 1_000;

/** What a node does with the history of channels. */
export interface Recovery {
  readonly history: History;
  readonly rule: HistoryRule;
  readonly counts: HistoryCounts;
  readonly joins: Joins;
  readonly requests: HistoryRequests;
  readonly keep: KeepHistories<RealtimeConnection>;
}

/** Makes the parts that keep messages, if the app wants any kept. @throws {TypeError} for a backend without a history. */
export function recoveryOf(
  config: RealtimeConfig,
  backend: Backend,
  { bounds, report }: { bounds: Bounds; report: (error: unknown) => void },
): Recovery | undefined {
  const { history: rule, maxBufferedBytes } = config;
  if (!rule) return undefined;
  if (!backend.history)
    throw new TypeError(
      'realtime: option "history" needs a backend with a history; use memoryBackend or redisBackend, or add one',
    );
  const counts: HistoryCounts = { appended: 0, recovered: 0, filled: 0, lost: 0, compared: 0 };
  const history = bounded(backend.history, bounds.for("realtime"));
  const joins = new Joins(history, rule);
  return {
    history,
    rule,
    counts,
    joins,
    requests: new HistoryRequests({ history, rule, joins, counts, maxBufferedBytes }),
    keep: (delivery) =>
      new KeptChannels(
        {
          history: backend.history as History,
          rule,
          bounds,
          counts,
          hears: () => backend.node.hearsItself(HEARD_WITHIN_MS),
          report,
        },
        delivery,
      ),
  };
}
