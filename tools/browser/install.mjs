// Fetches Chromium where the machine has none.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { available } from "./browser.mjs";

if (!available()) {
  console.log("There is no Chromium on this machine: getting one for the tests.");
  const require = createRequire(import.meta.url);
  const cli = join(dirname(require.resolve("playwright-core/package.json")), "cli.js");
  const { status } = spawnSync(process.execPath, [cli, "install", "chromium"], { stdio: "inherit" });
  if (status !== 0 || !available()) {
    console.error("Chromium cannot be fetched: install it, or name one in BASTIDE_TEST_CHROMIUM.");
    process.exit(1);
  }
}
