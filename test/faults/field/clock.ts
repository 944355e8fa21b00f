/** Shifts the clock of a process by this number of milliseconds, before other code reads it. */
const OFF_MS = Number(process.env.CLOCK_OFF_MS ?? 0);

const RealDate = Date;
const now = () => RealDate.now() + OFF_MS;

if (OFF_MS !== 0) {
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    get: (target, name) => (name === "now" ? now : Reflect.get(target, name, target)),
  });
}
