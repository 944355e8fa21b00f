import type { Registry } from "prom-client";
import type { SessionKeeper } from "../middleware/session-keeper.ts";
import type { RealtimeStats } from "../realtime/realtime-stats.ts";
import type { WebSocketStats } from "../websocket/web-socket-stats.ts";

/** A register of prom-client, such as `promClient.register`. */
export interface MetricsRegister {
  /** As prom-client's registers have it. */
  registerMetric(metric: never): void;
}

/** Where the figures come from. */
export interface MetricsSources {
  readonly keeper: SessionKeeper;
  webSocket(): WebSocketStats;
  realtime(): RealtimeStats | undefined;
}

const PREFIX = "express_session_stack_";

/** From a tenth of a millisecond to a handshake's patience, in seconds. */
const BUCKETS = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2.5, 5];

/**
 * Puts the figures of a node into a register of prom-client, which reads them whenever it is scraped. Only what
 * is timed costs anything before.
 */
export async function registerMetrics(register: MetricsRegister, sources: MetricsSources): Promise<void> {
  const { Counter, Gauge, Histogram } = await import("prom-client");
  const registers = [register as unknown as Registry];

  function gauge(name: string, help: string, value: () => number | undefined): void {
    new Gauge({
      name: PREFIX + name,
      help,
      registers,
      collect() {
        this.set(value() ?? 0);
      },
    });
  }
  function counter(name: string, help: string, value: () => number | undefined): void {
    new Counter({
      name: `${PREFIX + name}_total`,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(value() ?? 0);
      },
    });
  }
  function counters(
    name: string,
    help: string,
    label: string,
    values: () => Readonly<Record<string, number>>,
  ): void {
    new Counter({
      name: `${PREFIX + name}_total`,
      help,
      labelNames: [label],
      registers,
      collect() {
        this.reset();
        for (const [by, value] of Object.entries(values())) this.inc({ [label]: by }, value);
      },
    });
  }
  function seconds(name: string, help: string, labelNames: string[] = []) {
    return new Histogram({ name: `${PREFIX + name}_seconds`, help, labelNames, buckets: BUCKETS, registers });
  }

  const { webSocket, realtime, keeper } = sources;
  gauge("connections", "Open connections of this node", () => webSocket().connections);
  counters(
    "handshakes",
    "Handshakes by the status they were answered with",
    "status",
    () => webSocket().handshakes,
  );
  counters("closes", "Closed connections by their close code", "code", () => webSocket().closes);
  gauge("buffered_bytes", "Bytes that wait for clients to read them", () => webSocket().bufferedBytes);
  counter("revocations", "Connections closed because their session ended", () => webSocket().revocations);
  counter("messages_in", "Messages of clients", () => realtime()?.messagesIn);
  counter("messages_out", "Messages to clients", () => realtime()?.messagesOut);
  counter("bytes_in", "Bytes of messages of clients", () => realtime()?.bytesIn);
  counter("bytes_out", "Bytes of frames to clients", () => realtime()?.bytesOut);
  counter("slow_consumers", "Connections closed for not reading", () => realtime()?.slowConsumers);

  const calls = seconds("store_call", "Time that calls to the backend took, by result", ["result"]);
  keeper.config.bounds.onCall((result, ms) => calls.observe({ result }, ms / 1000));
  const revoked = seconds("revocation", "Time from a session's end to the close of its connections");
  keeper.config.store.endings.onClosed((ms) => revoked.observe(ms / 1000));
}
