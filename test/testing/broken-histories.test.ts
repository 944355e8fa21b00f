import { MemoryBus } from "../../lib/bus/memory-bus.ts";
import type { HistoryLimits, HistoryPage, HistoryRange, Position } from "../../lib/history/history.ts";
import { MemoryHistory } from "../../lib/history/memory-history.ts";
import { numbered } from "../../lib/history/numbered.ts";
import { describeHistory } from "../../lib/testing/describe-history.ts";
import { collectedTests } from "./collected-tests.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Numbers in one step and keeps in another, so that others come in between. */
class NumbersFirst extends MemoryHistory {
  override async append(channel: string, message: string, limits: HistoryLimits): Promise<Position> {
    const [position] = await this.positions([channel]);
    await turn();
    const { epoch } = await super.append(channel, message, limits);
    return { epoch, offset: (position?.offset ?? 0) + 1 };
  }
}

const silent = new MemoryBus();

/** Publishes in a step of its own, later for some. */
class PublishesLater extends MemoryHistory {
  readonly #bus: MemoryBus;

  constructor(bus: MemoryBus) {
    super(silent);
    this.#bus = bus;
  }

  override async append(channel: string, message: string, limits: HistoryLimits): Promise<Position> {
    const position = await super.append(channel, message, limits);
    if (position.offset % 3 === 0) await turn();
    await this.#bus.publish(channel, numbered(position, message));
    return position;
  }
}

/** Publishes first, so that a message is heard that is not in history yet. */
class PublishesFirst extends PublishesLater {
  override async append(channel: string, message: string, limits: HistoryLimits): Promise<Position> {
    const position = super.append(channel, message, limits);
    await turn();
    return position;
  }

  override async read(channel: string, range: HistoryRange): Promise<HistoryPage> {
    const page = await super.read(channel, range);
    return { ...page, messages: page.messages.slice(0, -1) };
  }
}

/** Reads the position and the messages in two steps. */
class ReadsInTwoSteps extends MemoryHistory {
  override async read(channel: string, range: HistoryRange): Promise<HistoryPage> {
    const [position] = await this.positions([channel]);
    await turn();
    return { ...(await super.read(channel, range)), position: position as Position };
  }
}

class ForgetsPosition extends MemoryHistory {
  override async forget(channel: string): Promise<void> {
    const [{ epoch = "" } = {}] = await this.positions([channel]);
    await super.forget(channel);
    await this.renew(channel, epoch);
  }
}

class RenewsAlways extends MemoryHistory {
  override async renew(channel: string): Promise<Position> {
    const [{ epoch = "" } = {}] = await this.positions([channel]);
    return super.renew(channel, epoch);
  }
}

class RenewsInTwoSteps extends MemoryHistory {
  override async renew(channel: string, epoch: string): Promise<Position> {
    const [position] = await this.positions([channel]);
    await turn();
    if (position?.epoch !== epoch) return position as Position;
    const [{ epoch: now = "" } = {}] = await this.positions([channel]);
    return super.renew(channel, now);
  }
}

class KeepsOneMore extends MemoryHistory {
  override append(channel: string, message: string, limits: HistoryLimits): Promise<Position> {
    return super.append(channel, message, { ...limits, maxMessages: limits.maxMessages + 1 });
  }
}

class IgnoresAge extends MemoryHistory {
  override read(channel: string, range: HistoryRange): Promise<HistoryPage> {
    return super.read(channel, { ...range, maxAgeSeconds: 3_600 });
  }
}

class IgnoresReaders extends MemoryHistory {
  override read(channel: string, { reader: _, ...range }: HistoryRange): Promise<HistoryPage> {
    return super.read(channel, range);
  }
}

/** Cuts a page by what a user may see after it was limited, so that it has less than it could. */
class LimitsFirst extends MemoryHistory {
  override async read(channel: string, range: HistoryRange): Promise<HistoryPage> {
    const { reader: _, ...whole } = range;
    const [page, { enteredAfter }] = await Promise.all([
      super.read(channel, whole),
      super.read(channel, { ...range, limit: 0 }),
    ]);
    return { ...page, enteredAfter, messages: page.messages.filter(({ offset }) => offset > enteredAfter) };
  }
}

class ForgetsWhoEnteredFirst extends MemoryHistory {
  override async enter(channel: string, userId: string, maxAgeSeconds: number): Promise<Position> {
    const { enteredAfter, position } = await this.read(channel, {
      ...{ after: 0, upTo: 0, limit: 0, maxBytes: 0, from: "oldest", maxAgeSeconds },
      reader: userId,
    });
    return enteredAfter > 0 ? position : super.enter(channel, userId, maxAgeSeconds);
  }
}

class CountsCharacters extends MemoryHistory {
  override async read(channel: string, range: HistoryRange): Promise<HistoryPage> {
    const page = await super.read(channel, { ...range, maxBytes: Number.POSITIVE_INFINITY });
    const messages = range.from === "oldest" ? [...page.messages] : [...page.messages].reverse();
    let left = range.maxBytes;
    const end = messages.findIndex(({ message }, n) => {
      left -= message.length;
      return n > 0 && left < 0;
    });
    const some = end < 0 ? messages : messages.slice(0, end);
    return { ...page, messages: range.from === "oldest" ? some : some.reverse() };
  }
}

class TrimsNames extends MemoryHistory {
  override append(channel: string, message: string, limits: HistoryLimits): Promise<Position> {
    return super.append(channel.trim() || " ", message, limits);
  }
}

class SortsPositions extends MemoryHistory {
  override positions(channels: readonly string[]): Promise<Position[]> {
    return super.positions([...new Set(channels)].sort());
  }
}

type Broken = new (bus: MemoryBus) => MemoryHistory;

const race = "is true at one moment in each answer, however many nodes race";

const histories: [Broken, title: string][] = [
  [NumbersFirst, "numbers messages in the order in which one node appends them"],
  [NumbersFirst, race],
  [PublishesLater, "delivers in the order of offsets when two nodes append at once"],
  [PublishesLater, race],
  [PublishesFirst, "has a message in history before anybody hears it"],
  [ReadsInTwoSteps, race],
  [ForgetsPosition, "keeps the position when the messages are forgotten"],
  [RenewsAlways, "stays in its life when asked to end another one"],
  [RenewsInTwoSteps, "begins one new life, however many ask for it at once"],
  [KeepsOneMore, "keeps exactly as many messages as allowed, the last ones"],
  [KeepsOneMore, race],
  [IgnoresAge, "takes the age of the reader, also if it is shorter than that of the append"],
  [IgnoresReaders, "shows a reader what came after the reader has entered"],
  [IgnoresReaders, race],
  [LimitsFirst, "applies the other limits of a range to what a reader may see"],
  [ForgetsWhoEnteredFirst, "counts from where a user has entered again"],
  [CountsCharacters, "stops before the bytes of its messages are too many, from either end"],
  [TrimsNames, "keeps channels with names of any characters apart"],
  [SortsPositions, "tells the positions of channels in their order, also of new ones and twice"],
];

it.each(histories)("describeHistory fails %p by: %s", async (broken, title) => {
  const tests = collectedTests((runner) =>
    describeHistory("broken", {
      create: () => {
        const bus = new MemoryBus();
        const node = { bus, history: new broken(bus) };
        return { nodes: [node, node] };
      },
      runner,
    }),
  );
  const failure = tests.get(title)?.();
  await expect(failure).rejects.toThrow();
  if (title === race) await expect(failure).rejects.toThrow(/seed \d+/);
});
