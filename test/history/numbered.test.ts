import { numbered, readNumbered } from "../../lib/index.ts";

describe("numbered", () => {
  it.each(["", "m", "\n", "a\nb\n", "kept a 1\nm", "漢字 🦆"])(
    "is read again with the message %j",
    (message) => {
      const position = { epoch: "k3x", offset: 17 };
      expect(numbered(position, message)).toBe(`kept k3x 17\n${message}`);
      expect(readNumbered(numbered(position, message))).toEqual({ ...position, message });
    },
  );

  it.each([
    ...[
      "",
      "kept",
      "kept ",
      "kept a 1",
      "kept  1\nm",
      "kept a \nm",
      "kept a\nm",
      "kept a x\nm",
      "kept a 1.5\nm",
    ],
    ...['{"event_type":"a"}', "Kept a 1\nm", " kept a 1\nm"],
  ])("is not read from %j", (text) => {
    expect(readNumbered(text)).toBeUndefined();
  });
});
