import type { PerMessageDeflateOptions } from "ws";
import { webSocketSessions } from "../../lib/index.ts";
import { stack } from "./connections.ts";
import { type Subject, subject } from "./subject.ts";
import { limit, noNumber, noObject, nothing, type Rows, trueOrFalse } from "./values.ts";

const windowBits = {
  right: [8, 15, true, false],
  wrong: [...noNumber.filter((value) => value !== true), 7, 16, 9.5],
};

type ZlibOptions = Omit<NonNullable<PerMessageDeflateOptions["zlibDeflateOptions"]>, never>;

const zlibRows: Rows<ZlibOptions> = {
  flush: { right: [2], wrong: [99, "2", {}] },
  finishFlush: { right: [2], wrong: [99, "2", {}] },
  chunkSize: { right: [64, 16_384], wrong: [-1, 0, 63, "1", {}] },
  windowBits: { right: [9, 15], wrong: [7, 16, "15", {}] },
  level: { right: [-1, 0, 9], wrong: [99, -2, "9", {}] },
  memLevel: { right: [1, 9], wrong: [0, 10, "9", {}] },
  strategy: { right: [0, 4], wrong: [5, "0", {}] },
  dictionary: { right: [Buffer.from("a")], wrong: ["a", 1, {}] },
  info: trueOrFalse,
};

/** The compression options that ws receives. */
export const compressionSubjects: readonly Subject[] = [
  subject<PerMessageDeflateOptions>({
    whose: "webSocketSessions's perMessageDeflate",
    factory: "webSocketSessions",
    path: "perMessageDeflate.",
    make: (options) => webSocketSessions(stack, { perMessageDeflate: options as PerMessageDeflateOptions }),
    rows: {
      serverNoContextTakeover: trueOrFalse,
      clientNoContextTakeover: trueOrFalse,
      serverMaxWindowBits: windowBits,
      clientMaxWindowBits: windowBits,
      // Once, they ended the process with the first message.
      zlibDeflateOptions: {
        right: [{}, { level: 9, memLevel: 7 }, { chunkSize: 1024 }],
        wrong: [...noObject, nothing],
      },
      zlibInflateOptions: { right: [{}, { chunkSize: 10 * 1024 }], wrong: [...noObject, nothing] },
      threshold: { right: [0, 1024, 0.5], wrong: [...noNumber, -1] },
      concurrencyLimit: limit,
    },
  }),
  ...(["zlibDeflateOptions", "zlibInflateOptions"] as const).map((name) =>
    subject<ZlibOptions>({
      whose: `webSocketSessions's perMessageDeflate's ${name}`,
      factory: "webSocketSessions",
      path: `perMessageDeflate.${name}.`,
      make: (options) =>
        webSocketSessions(stack, { perMessageDeflate: { [name]: options } as PerMessageDeflateOptions }),
      rows: zlibRows,
    }),
  ),
];
