/** The counters of kept messages. */
export interface HistoryCounts {
  appended: number;
  recovered: number;
  filled: number;
  lost: number;
  compared: number;
}
