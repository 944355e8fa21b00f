import { answerWith } from "./child.ts";
import { Users } from "./household.ts";
import { Load } from "./load.ts";

/** While the tables of the node come to their size. */
const HASTE = 10;

/** One process of clients. */
const { URL: url = "", FIRST = "0", COUNT = "0", ADDRESSES = "" } = process.env;
const users = new Users({
  url,
  users: Array.from({ length: Number(COUNT) }, (_, n) => `u${Number(FIRST) + n}`),
  addresses: ADDRESSES === "" ? [undefined] : ADDRESSES.split(","),
});
const load = new Load(users);

answerWith({
  open: () => users.open(),
  start: () => load.start(),
  hasten: () => load.start(HASTE),
  stop: () => load.stop(),
  judge: () => users.judge(),
  close: () => users.close(),
  report: () => ({ ...users.figures, ...load.done, violations: users.violations }),
});
