import { isBackend } from "../../lib/backend/backend.ts";
import { memoryBackend } from "../../lib/index.ts";

describe("isBackend", () => {
  const backend = memoryBackend();

  it("takes a backend without a history, outcomes and figures", () => {
    const { history: _, outcomes: __, stats: ___, ...parts } = backend;
    expect(isBackend(parts)).toBe(true);
    expect(isBackend(backend)).toBe(true);
  });

  it.each(Object.keys(backend).filter((name) => !["history", "outcomes", "stats"].includes(name)))(
    "takes none without %s",
    (name) => {
      expect(isBackend({ ...backend, [name]: undefined })).toBe(false);
    },
  );
});
