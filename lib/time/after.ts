/**
 * Calls `run` after so many milliseconds, unless what it returns is called first.
 *
 * A process that stood still finds its timers due before it reads what has arrived meanwhile: node runs them, then
 * reads, then runs immediates. So an answer that is there already still comes before `run`.
 */
export function after(ms: number, run: () => void): () => void {
  let immediate: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    immediate = setImmediate(run);
  }, ms);
  return () => {
    clearTimeout(timer);
    clearImmediate(immediate);
  };
}
