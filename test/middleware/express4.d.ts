/** Express 4 under an alias, for tests that run on both; its types are close enough to those of Express 5. */
declare module "express4" {
  import express = require("express");
  export = express;
}
