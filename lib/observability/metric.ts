import { BUCKETS, Durations } from "./durations.ts";
import type { DurationsBy } from "./timings.ts";

/** One line of a scrape. */
export interface Value {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  /** Where it is not the metric's own name. */
  readonly metricName?: string;
}

/** What a register of prom-client knows of a metric, and answers to others who ask for it. */
export interface MetricValues {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly values: Value[];
  readonly aggregator: "sum";
}

/** A metric as a register of prom-client needs it, which asks for its values whenever it is scraped. */
export abstract class Metric {
  /** A register that writes OpenMetrics renames counters. */
  name: string;
  readonly help: string;
  readonly type: MetricValues["type"];
  /** How figures of several processes are put together. */
  readonly aggregator = "sum";

  constructor(type: MetricValues["type"], name: string, help: string) {
    this.type = type;
    this.name = name;
    this.help = help;
  }

  /** As prom-client's metrics have it. */
  async get(): Promise<MetricValues> {
    const { name, help, type, aggregator } = this;
    return { name, help, type, values: this.values(), aggregator };
  }

  /** As prom-client's metrics have it. What is counted since the node began is not to be forgotten. */
  reset(): void {}

  protected abstract values(): Value[];
}

/** A gauge or counter whose value others know. */
export class SumMetric extends Metric {
  readonly #values: () => Value[];

  constructor(type: "counter" | "gauge", name: string, help: string, values: () => Value[]) {
    super(type, name, help);
    this.#values = values;
  }

  protected override values(): Value[] {
    return this.#values();
  }
}

/** A histogram of durations in seconds, by a label if it has one. */
export class DurationMetric extends Metric {
  readonly #label: string | undefined;
  readonly #sources: () => DurationsBy[];

  constructor(name: string, help: string, label: string | undefined, sources: () => DurationsBy[]) {
    super("histogram", name, help);
    this.#label = label;
    this.#sources = sources;
  }

  protected override values(): Value[] {
    const totals: DurationsBy = new Map();
    for (const source of this.#sources()) {
      for (const [by, durations] of source) {
        const total = totals.get(by) ?? new Durations();
        totals.set(by, total);
        total.add(durations);
      }
    }
    return [...totals].flatMap(([by, total]) =>
      lines(this.name, this.#label === undefined ? {} : { [this.#label]: by }, total),
    );
  }
}

function lines(name: string, labels: Value["labels"], { cumulative, count, sum }: Durations): Value[] {
  const buckets = [...BUCKETS.entries()].map(([at, le]) => ({ le, value: cumulative[at] as number }));
  return [
    ...[...buckets, { le: "+Inf", value: count }].map(({ le, value }) => ({
      value,
      labels: { le, ...labels },
      metricName: `${name}_bucket`,
    })),
    { value: sum, labels, metricName: `${name}_sum` },
    { value: count, labels, metricName: `${name}_count` },
  ];
}
