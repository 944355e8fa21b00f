import type { Figures } from "./device.ts";
import type { Done } from "./load.ts";
import type { Sample } from "./samples.ts";

const COLUMNS = ["", "connections", "heap MiB", "resident MiB", "descriptors", "handles", "messages out"];

export function reportTable(): string {
  return `| ${COLUMNS.join(" | ")} |\n| ${COLUMNS.map(() => "---").join(" | ")} |`;
}

/** Of messages it has those since another sample. */
export function reportRow(name: string, sample: Sample, since: Sample): string {
  const mebibytes = (bytes: number) => (bytes / 1024 / 1024).toFixed(1);
  const handles = Object.entries(sample.handles).flatMap(([type, count]) =>
    count > 0 ? [`${type} ${count}`] : [],
  );
  const cells = [
    name,
    sample.connections,
    mebibytes(sample.heapUsedBytes),
    mebibytes(sample.rssBytes),
    sample.fileDescriptors,
    handles.sort().join(", "),
    sample.messagesOut - since.messagesOut,
  ];
  return `| ${cells.join(" | ")} |`;
}

export interface LoadReport extends Figures, Done {
  violations: string[];
}

/** The sum of what the processes of clients have seen. */
export function totals(reports: readonly LoadReport[]): { text: string; violations: string[] } {
  const sum = (name: keyof (Figures & Done)) => reports.reduce((total, report) => total + report[name], 0);
  const text =
    `${sum("beats")} heartbeats, ${sum("sends")} sends acknowledged, ${sum("heard")} messages heard, ` +
    `${sum("lost")} lost; ${sum("returns")} connections came back, ${sum("joins")} groups joined and left`;
  return { text, violations: reports.flatMap(({ violations }) => violations) };
}
