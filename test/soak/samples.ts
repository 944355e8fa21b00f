/** What the server has at a moment, after a full collection. */
export interface Sample {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly heapUsedBytes: number;
  readonly rssBytes: number;
  /** What keeps the event loop alive, by type; of sockets, those beside the ones of open connections. */
  readonly handles: Readonly<Record<string, number>>;
  /** Beside those of open connections. */
  readonly fileDescriptors: number;
  readonly connections: number;
  readonly messagesOut: number;
}

/**
 * How much of the heap it may grow by in the second half. Samples of one load differ by nearly as much, since some
 * connections are away at each. In ten minutes of 10,000 connections, 124 MiB, it is 360 bytes for each connection that
 * comes back meanwhile, or 11 bytes for each heartbeat.
 */
const MAX_GROWTH = 0.0125;

/** Handles that come and go with what is under way at the moment. */
const MAX_MORE_HANDLES = 5;

/** The slope of a line through points: the median of the slopes of all pairs, which outliers do not move (Theil and Sen). */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const slopes = points.flatMap(([x, y], at) => points.slice(at + 1).map(([x2, y2]) => (y2 - y) / (x2 - x)));
  return median(slopes);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1] ?? 0, sorted[Math.floor(middle)] ?? 0];
  return (low + high) / 2;
}

export interface Trend {
  heapBytesPerMinute: number;
  /** Of the heap, over the second half. */
  heapGrowth: number;
  violations: string[];
}

/** What has grown in the second half of the samples of one load, while as many connections were open. */
export function trendOf(samples: readonly Sample[]): Trend {
  const half = samples.slice(Math.floor(samples.length / 2));
  if (half.length < 2)
    return { heapBytesPerMinute: 0, heapGrowth: 0, violations: ["there are too few samples"] };
  const times = half.map(({ at }) => at / 60_000);
  const minutes = (times.at(-1) ?? 0) - (times[0] ?? 0);
  const slopeOf = (value: (sample: Sample) => number): number =>
    slope(half.map((sample, n) => [times[n] ?? 0, value(sample)]));

  const heapBytesPerMinute = slopeOf(({ heapUsedBytes }) => heapUsedBytes);
  const heapGrowth = (heapBytesPerMinute * minutes) / median(half.map(({ heapUsedBytes }) => heapUsedBytes));
  const violations = [];
  if (heapGrowth > MAX_GROWTH)
    violations.push(`the heap has grown by ${percent(heapGrowth)} in the second half`);
  for (const type of new Set(half.flatMap(({ handles }) => Object.keys(handles)))) {
    const growth = slopeOf(({ handles }) => handles[type] ?? 0) * minutes;
    if (growth > MAX_MORE_HANDLES) violations.push(`${type}: ${growth.toFixed(0)} more in the second half`);
  }
  const growth = slopeOf(({ fileDescriptors }) => fileDescriptors) * minutes;
  if (growth > MAX_MORE_HANDLES)
    violations.push(`${growth.toFixed(0)} more file descriptors in the second half`);
  return { heapBytesPerMinute, heapGrowth, violations };
}

/** Of samples of one moment, the least of everything. */
export function leastOf(samples: readonly [Sample, ...Sample[]]): Sample {
  const least = (value: (sample: Sample) => number) => Math.min(...samples.map(value));
  const types = Object.keys(samples[0].handles);
  return {
    ...samples[0],
    heapUsedBytes: least(({ heapUsedBytes }) => heapUsedBytes),
    rssBytes: least(({ rssBytes }) => rssBytes),
    handles: Object.fromEntries(types.map((type) => [type, least(({ handles }) => handles[type] ?? 0)])),
    fileDescriptors: least(({ fileDescriptors }) => fileDescriptors),
  };
}

/** What is more once all connections have gone than before the first had come. */
export function leftOvers(before: Sample, after: Sample): string[] {
  const left = Object.keys(after.handles).flatMap((type) => {
    const more = (after.handles[type] ?? 0) - (before.handles[type] ?? 0);
    return more > MAX_MORE_HANDLES ? [`${more} more ${type} after all than before`] : [];
  });
  const descriptors = after.fileDescriptors - before.fileDescriptors;
  if (descriptors > MAX_MORE_HANDLES) left.push(`${descriptors} more file descriptors after all than before`);
  if (after.connections > 0) left.push(`${after.connections} connections are still counted`);
  return left;
}

export const percent = (part: number): string => `${(part * 100).toFixed(2)} %`;
