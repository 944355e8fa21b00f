import { DurationMetric, type Metric, SumMetric, type Value } from "./metric.ts";
import type { HistoryStats, RealtimeStats } from "./realtime-stats.ts";
import { type Timed, type Timings, timingsOf } from "./timings.ts";
import type { WebSocketStats } from "./web-socket-stats.ts";

/** A register of prom-client, such as `promClient.register`. */
export interface MetricsRegister {
  /** Adds a metric, as in prom-client's registers. */
  registerMetric(metric: never): void;
}

/** A backend that may keep data in this process. If it does, it counts that data. */
interface Counted {
  stats?(): Readonly<Record<(typeof KEPT)[number], number>>;
}

const KEPT = ["sessions", "sessionBytes", "memberships", "connectionDataBytes", "historyBytes"] as const;

const OF_HISTORY: Readonly<Record<keyof HistoryStats, string>> = {
  appended: "Messages that were sent and kept",
  recovered: "Messages that clients asked for because they had missed them",
  filled: "Messages that the node read because they had not arrived",
  lost: "Losses of a channel that connections were told of",
  compared: "Positions of channels that were compared",
};

/** The sources of the figures. */
export interface MetricsSources {
  readonly keeper: Timed & { readonly config: { readonly backend: Counted } };
  webSocket(): WebSocketStats;
  realtime(): RealtimeStats | undefined;
}

/** The state of this package for one register: all sources that were added to it, and metrics that sum over them. */
interface Registered {
  readonly sources: Set<MetricsSources>;
  readonly timings: Set<Timings>;
  readonly metrics: ReadonlyMap<string, Metric>;
}

const registered = new WeakMap<object, Registered>();

const PREFIX = "express_session_stack_";

/**
 * Adds the figures of a node to a register of prom-client. The register reads the figures at each scrape. Between
 * scrapes, only the timed figures cost anything. The register sums over all nodes that were added to it. Adding a node
 * again does nothing.
 *
 * This file imports nothing from prom-client: a register accepts any object that it can ask for values. So a bundled
 * server, with or without prom-client, needs no separate prom-client beside it.
 */
export function registerMetrics(register: MetricsRegister, sources: MetricsSources): void {
  if (typeof register?.registerMetric !== "function")
    throw new TypeError("webSocketSessions: metrics takes a register of prom-client");
  const known = registered.get(register) ?? newMetrics();
  // The metrics are added in each call, because the register may have been cleared.
  for (const [name, metric] of known.metrics) put(register, name, metric);
  registered.set(register, known);
  known.sources.add(sources);
  known.timings.add(timingsOf(sources.keeper));
}

/**
 * Adds a metric, unless the register has it already: a register refuses a second one. The register renames counters, so
 * it may have the metric under another name.
 */
function put(register: MetricsRegister, name: string, metric: Metric): void {
  const { getSingleMetric } = register as { getSingleMetric?: (name: string) => unknown };
  if (getSingleMetric?.call(register, name) !== metric) register.registerMetric(metric as never);
}

function newMetrics(): Registered {
  const sources = new Set<MetricsSources>();
  const timings = new Set<Timings>();
  const metrics = new Map<string, Metric>();
  const add = (metric: Metric) => metrics.set(metric.name, metric);

  const sum = (value: (from: MetricsSources) => number | undefined): Value[] => {
    let total = 0;
    for (const each of sources) total += value(each) ?? 0;
    return [{ value: total, labels: {} }];
  };
  const sumsBy = (label: string, values: (from: MetricsSources) => Readonly<Record<string, number>>) => {
    const totals = new Map<string, number>();
    for (const each of sources)
      for (const [by, value] of Object.entries(values(each))) totals.set(by, (totals.get(by) ?? 0) + value);
    return [...totals].map(([by, value]) => ({ value, labels: { [label]: by } }));
  };
  const gauge = (name: string, help: string, value: (from: MetricsSources) => number | undefined) =>
    add(new SumMetric("gauge", PREFIX + name, help, () => sum(value)));
  const counter = (name: string, help: string, value: (from: MetricsSources) => number | undefined) =>
    add(new SumMetric("counter", `${PREFIX + name}_total`, help, () => sum(value)));
  const counters = (name: string, help: string, ...by: Parameters<typeof sumsBy>) =>
    add(new SumMetric("counter", `${PREFIX + name}_total`, help, () => sumsBy(...by)));

  gauge("connections", "Open connections of this node", ({ webSocket }) => webSocket().connections);
  gauge(
    "anonymous_connections",
    "Open connections of this node whose session is not stored",
    ({ webSocket }) => webSocket().anonymousConnections,
  );
  counters(
    "handshakes",
    "Handshakes by the status they were answered with",
    "status",
    ({ webSocket }) => webSocket().handshakes,
  );
  counters("closes", "Closed connections by their close code", "code", ({ webSocket }) => webSocket().closes);
  gauge(
    "buffered_bytes",
    "Bytes that wait for clients to read them",
    ({ webSocket }) => webSocket().bufferedBytes,
  );
  counter(
    "revocations",
    "Connections closed because their session ended",
    ({ webSocket }) => webSocket().revocations,
  );
  for (const name of KEPT) {
    const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const value = () => {
      // Each backend counts once, even if several sources share it.
      const backends = new Set([...sources].map(({ keeper }) => keeper.config.backend));
      let total = 0;
      for (const backend of backends) total += backend.stats?.()[name] ?? 0;
      return [{ value: total, labels: {} }];
    };
    add(new SumMetric("gauge", `${PREFIX}memory_${snake}`, `What memoryBackend keeps: ${name}`, value));
  }
  counter("messages_in", "Messages of clients", ({ realtime }) => realtime()?.messagesIn);
  counter("messages_out", "Messages to clients", ({ realtime }) => realtime()?.messagesOut);
  counter("bytes_in", "Bytes of messages of clients", ({ realtime }) => realtime()?.bytesIn);
  counter("bytes_out", "Bytes of frames to clients", ({ realtime }) => realtime()?.bytesOut);
  counter(
    "slow_consumers",
    "Connections closed for not reading",
    ({ realtime }) => realtime()?.slowConsumers,
  );
  for (const [name, help] of Object.entries(OF_HISTORY) as [keyof HistoryStats, string][])
    counter(`history_${name}`, help, ({ realtime }) => realtime()?.history?.[name]);
  add(
    new DurationMetric(
      `${PREFIX}store_call_seconds`,
      "Time that calls to the backend took, by result",
      "result",
      () => [...timings].map(({ calls }) => calls),
    ),
  );
  add(
    new DurationMetric(
      `${PREFIX}revocation_seconds`,
      "Time from a session's end to the close of its connections",
      undefined,
      () => [...timings].map(({ revocations }) => revocations),
    ),
  );
  return { sources, timings, metrics };
}
