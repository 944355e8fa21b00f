/**
 * Calls `run` after `ms` milliseconds, unless the returned function is called first.
 *
 * After a process stood still, its timers are due before it has read what arrived meanwhile. Node runs timers, then
 * reads, then runs immediates. The immediate here lets an answer that has already arrived come before `run`.
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
