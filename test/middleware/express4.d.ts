/** Express 4 under an alias, for tests that run on both versions. The types of Express 5 fit well enough. */
declare module "express4" {
  import express = require("express");
  export = express;
}
