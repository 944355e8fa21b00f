export * from "../../lib/testing/random.ts";
