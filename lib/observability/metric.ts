import { BUCKETS, Durations } from "./durations.ts";
import type { DurationsBy } from "./timings.ts";

/** One line of a scrape. */
export interface Value {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  /** The name of the line, if it differs from the metric's own name. */
  readonly metricName?: string;
}

/** The data of a metric that a register of prom-client reads, and returns to callers that ask for it. */
export interface MetricValues {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly values: Value[];
  readonly aggregator: "sum";
}

/** A metric in the form that a register of prom-client needs. The register asks for its values at each scrape. */
export abstract class Metric {
  /** The name is not read-only, because a register that writes OpenMetrics renames counters. */
  name: string;
  readonly help: string;
  readonly type: MetricValues["type"];
  /** The way in which prom-client combines the figures of several processes. */
  readonly aggregator = "sum";

  constructor(type: MetricValues["type"], name: string, help: string) {
    this.type = type;
    this.name = name;
    this.help = help;
  }

  /** Returns the current values. The metrics of prom-client have the same method. */
  async get(): Promise<MetricValues> {
    const { name, help, type, aggregator } = this;
    return { name, help, type, values: this.values(), aggregator };
  }

  /** Does nothing: counts since the start of the node must not be lost. The metrics of prom-client have this method. */
  reset(): void {}

  protected abstract values(): Value[];
}

/** A gauge or counter. It reads its values from a function. */
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

/** A histogram of durations in seconds. If it has a label, it groups the durations by that label. */
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
