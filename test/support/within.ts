export * from "../../lib/testing/within.ts";
