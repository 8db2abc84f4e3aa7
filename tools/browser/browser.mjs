// A headless Chromium for tests: the machine's own, or the one that
// `task deps:browser` has fetched.
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";

const names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

// installed returns the path of a Chromium on this machine: BASTIDE_TEST_CHROMIUM,
// else one on the path, else undefined.
function installed() {
  if (process.env.BASTIDE_TEST_CHROMIUM) {
    return process.env.BASTIDE_TEST_CHROMIUM;
  }
  for (const name of names) {
    for (const directory of (process.env.PATH ?? "").split(delimiter)) {
      const path = join(directory, name);
      if (usable(path)) {
        return path;
      }
    }
  }
  return undefined;
}

function usable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

// available tells whether there is a browser to launch.
export function available() {
  return installed() !== undefined || usable(chromium.executablePath());
}

// launch starts a browser that asks nobody but the pages under test. The caller
// closes it. Chromium's sandbox does not run as root, which CI often is.
export function launch() {
  return chromium.launch({
    executablePath: installed(),
    chromiumSandbox: process.getuid?.() !== 0,
    args: [
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-gpu",
      "--disable-quic",
      "--disable-sync",
      "--no-first-run",
    ],
  });
}
