import { leastOf, leftOvers, type Sample, slope, trendOf } from "./samples.ts";

const MiB = 1024 * 1024;

/** Ten minutes of samples, four a minute, with noise of half a percent that repeats itself. */
function samples(change: (sample: Sample, minute: number) => Partial<Sample>): Sample[] {
  return Array.from({ length: 41 }, (_, n) => {
    const noise = 1 + (((n * 7) % 11) - 5) / 1_000;
    const sample: Sample = {
      at: n * 15_000,
      heapUsedBytes: 200 * MiB * noise,
      rssBytes: 400 * MiB,
      handles: { TCPSocketWrap: 3 + (n % 2), Timeout: 20 + (n % 3) },
      fileDescriptors: 23 + (n % 2),
      connections: 10_000 - (n % 5),
      messagesOut: 0,
    };
    return { ...sample, ...change(sample, n / 4) };
  });
}

describe("the evaluation of a soak's samples", () => {
  it("finds nothing in noise", () => {
    expect(trendOf(samples(() => ({}))).violations).toEqual([]);
  });

  it("finds a heap that grows by a mebibyte a minute", () => {
    const growing = samples(({ heapUsedBytes }, minute) => ({ heapUsedBytes: heapUsedBytes + minute * MiB }));
    const { heapBytesPerMinute, violations } = trendOf(growing);
    expect(heapBytesPerMinute / MiB).toBeCloseTo(1, 0);
    expect(violations).toEqual([expect.stringContaining("the heap has grown by")]);
  });

  it("accepts a heap that grows only in the first half", () => {
    const warm = samples(({ heapUsedBytes }, minute) => ({
      heapUsedBytes: heapUsedBytes + Math.min(minute, 5) * MiB,
    }));
    expect(trendOf(warm).violations).toEqual([]);
  });

  it("finds timers, sockets and file descriptors that grow", () => {
    const growing = samples(({ handles, fileDescriptors }, minute) => ({
      handles: {
        TCPSocketWrap: (handles.TCPSocketWrap ?? 0) + 3 * minute,
        Timeout: (handles.Timeout ?? 0) + 4 * minute,
      },
      fileDescriptors: fileDescriptors + 3 * minute,
    }));
    expect(trendOf(growing).violations).toEqual([
      "TCPSocketWrap: 15 more in the second half",
      "Timeout: 20 more in the second half",
      "15 more file descriptors in the second half",
    ]);
  });

  it("finds handles that are left after all connections have closed", () => {
    const [before, after] = samples((sample) => ({ ...sample, connections: 0 })) as [Sample, Sample];
    expect(leftOvers(before, before)).toEqual([]);
    expect(
      leftOvers(before, { ...after, handles: { ...after.handles, Timeout: 60 }, connections: 1 }),
    ).toEqual(["40 more Timeout after all than before", "1 connections are still counted"]);
  });

  it("ignores handles that are open at one moment only", () => {
    const [one, other] = samples((_, minute) => ({
      handles: minute === 0 ? { Timeout: 140, Immediate: 3 } : { Timeout: 2 },
    })) as [Sample, Sample];
    expect(leastOf([one, other]).handles).toEqual({ Timeout: 2, Immediate: 0 });
  });

  it("computes a slope that one outlier does not move", () => {
    const points = Array.from({ length: 11 }, (_, x) => [x, x === 3 ? 1_000 : 2 * x] as const);
    expect(slope(points)).toBe(2);
  });
});
