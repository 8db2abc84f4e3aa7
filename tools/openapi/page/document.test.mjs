// The description is a valid document of OpenAPI 3.1, and what it refers to is in
// it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";

const text = readFileSync(join(import.meta.dirname, "../../../gen/openapi/openapi.json"), "utf8");

test("the document is valid", async () => {
  const validator = new Validator();
  const result = await validator.validate(JSON.parse(text));
  assert.deepEqual(result.errors, undefined);
  assert.ok(result.valid);
  assert.equal(validator.version, "3.1");
});

test("every reference leads somewhere, and every schema is used", () => {
  const document = JSON.parse(text);
  const used = new Set(Array.from(text.matchAll(/"\$ref": "#\/([^"]+)"/g), (match) => match[1]));
  for (const path of used) {
    assert.ok(path.split("/").reduce((at, name) => at?.[name], document), path);
  }
  for (const name of Object.keys(document.components.schemas)) {
    assert.ok(used.has(`components/schemas/${name}`), `${name} is not used`);
  }
});
