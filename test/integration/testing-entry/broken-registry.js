// A registry that tells every arrival that it is the first. Copied into a project that has the package.
import { describe, it } from "node:test";
import { memoryBackend } from "express-session-stack";
import { describeRegistry } from "express-session-stack/testing";

describeRegistry("A registry that is broken", {
  create() {
    const { registry } = memoryBackend();
    const arrive = registry.arrive.bind(registry);
    return Object.assign(registry, {
      arrive: async (record, limits) => ((await arrive(record, limits)) === "full" ? "full" : "first"),
    });
  },
  runner: { describe, it },
});
