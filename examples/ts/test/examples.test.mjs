// Runs the examples as their comments say, beside the server.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";

const directory = new URL("..", import.meta.url);
const run = async (name, ...args) =>
  (await promisify(execFile)(process.execPath, [`dist/${name}.js`, ...args], { cwd: directory })).stdout;

test("first", async () => {
  assert.match(await run("first"), /^I am \S+\.\n$/);
});

test("tenant", async () => {
  const said = await run("tenant", "acme");
  assert.match(said, /^Created acme with the id \d{18}\.\nowner owns acme at acme\.localhost:\d+\.\n$/);
  await assert.rejects(run("tenant", "acme"), { code: 1, stderr: /^AlreadyExists: .*acme\.localhost.* Give another name\.\n$/ });
});

test("search", async () => {
  assert.match(await run("search"), /^\S+: .*IAM_OWNER.*\n1 found\.\n$/);
  assert.equal(await run("search", "nobody"), "0 found.\n");
});
