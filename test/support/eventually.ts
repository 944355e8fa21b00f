export * from "../../lib/testing/tools/eventually.ts";
