export * from "../../lib/testing/tools/random.ts";
