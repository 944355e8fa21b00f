import { readFileSync, writeFileSync } from "node:fs";

export function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return at(sorted, Math.min(sorted.length - 1, Math.floor(sorted.length * share)));
}

export function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const middle = (sorted.length - 1) / 2;
  return (at(sorted, Math.floor(middle)) + at(sorted, Math.ceil(middle))) / 2;
}

function at(values: Float64Array, index: number): number {
  const value = values[index];
  if (value === undefined) throw new Error("no figures to report");
  return value;
}

/** `median (lowest–highest)` */
export function spread(values: readonly number[], digits: number): string {
  const format = (value: number) =>
    value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${format(median(values))} (${format(Math.min(...values))}–${format(Math.max(...values))})`;
}

export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Replaces what stands between the markers of `name` in RESULTS.md, or adds them at its end. */
export function writeResults(name: string, markdown: string): void {
  const file = new URL("./RESULTS.md", import.meta.url);
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const section = `${begin}\n${markdown}\n${end}`;
  const before = readOr(file, "# Results\n");
  const [from, to] = [before.indexOf(begin), before.indexOf(end)];
  writeFileSync(
    file,
    from >= 0 && to > from
      ? before.slice(0, from) + section + before.slice(to + end.length)
      : `${before}\n${section}\n`,
  );
}

function readOr(file: URL, otherwise: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return otherwise;
  }
}

/** A server that got less of its core waited for others on the machine, and its figures are theirs. */
const leastCoreShare = 0.85;

/** Throws, so that nothing is written, when a server that had more to do than it could did not get its core. */
export function refuseDisturbed(coreShares: ReadonlyMap<string, readonly number[]>): void {
  const disturbed = [...coreShares].filter(([, shares]) => median(shares) < leastCoreShare);
  if (disturbed.length === 0) return;
  const names = disturbed.map(([name, shares]) => `${name} (${Math.round(median(shares) * 100)} %)`);
  throw new Error(`not written, these servers did not get their core: ${names.join("; ")}`);
}
