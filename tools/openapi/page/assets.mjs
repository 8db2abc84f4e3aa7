// Writes the files of Swagger UI that the reference page is made of into
// server/reference/swagger; with --check it only tells whether they are there as
// the package has them.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";

const packed = ["swagger-ui-bundle.js", "swagger-ui.css"];
// Licences are kept as they are, for people to read.
const plain = ["LICENSE", "NOTICE", "swagger-ui-bundle.js.LICENSE.txt", "favicon-32x32.png"];

const source = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
const target = join(import.meta.dirname, "../../../server/reference/swagger");

// content returns a file of the package, without the link to a source map that
// nobody serves.
function content(name) {
  const bytes = readFileSync(join(source, name));
  if (!packed.includes(name)) {
    return bytes;
  }
  return Buffer.from(bytes.toString().replace(/\n?\/[/*]# sourceMappingURL=.*\s*$/, "\n"));
}

// committed returns a file as it was written, or undefined.
function committed(name) {
  try {
    return packed.includes(name) ? gunzipSync(readFileSync(join(target, `${name}.gz`))) : readFileSync(join(target, name));
  } catch {
    return undefined;
  }
}

const stale = [...packed, ...plain].filter((name) => !committed(name)?.equals(content(name)));
if (process.argv.includes("--check")) {
  if (stale.length > 0) {
    console.error(`Not as the package has them: ${stale.join(", ")}. Run: task generate:reference`);
    process.exit(1);
  }
} else {
  mkdirSync(target, { recursive: true });
  for (const name of stale) {
    if (packed.includes(name)) {
      writeFileSync(join(target, `${name}.gz`), gzipSync(content(name), { level: 9 }));
    } else {
      writeFileSync(join(target, name), content(name));
    }
  }
}
