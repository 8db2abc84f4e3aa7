// What nobody waits for any more ends no program, and is not begun. Each case is a
// program of its own: it has to come to its end.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";

const machineKey = JSON.stringify({
  type: "serviceaccount",
  keyId: "key-1",
  userId: "user-1",
  key: generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs8", format: "pem" }),
});

// Returns what the program prints. `begun` is to be called by what should not begin,
// `call` makes a call and prints the code that it fails with.
function run(client, program) {
  const source = `
    import { connect, createClient, Code, key, token } from "@bastide-id/client/${client}";
    import { AuthService } from "@bastide-id/client/v1";
    const down = "http://127.0.0.1:4"; // nobody listens
    const machineKey = ${JSON.stringify(machineKey)};
    const begun = () => console.log("begun");
    async function call(connection, options) {
      const auth = createClient(AuthService, connect({ url: down, retry: false, ...connection }));
      await auth.getMyUser({}, options).then(
        () => console.log("answered"),
        (error) => console.log(error.name, Code[error.code]),
      );
    }
    ${program}`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", source], {
    cwd: new URL("..", import.meta.url),
    encoding: "utf8",
    timeout: 60_000,
  });
  assert.equal(status, 0, stderr);
  return stdout;
}

for (const client of ["node", "web"]) {
  for (const protocol of client === "node" ? ["connect", "grpc-web", "grpc"] : ["connect", "grpc-web"]) {
    test(`${client}, ${protocol}: an aborted call without a token`, () => {
      const printed = run(client, `await call({ protocol: "${protocol}", auth: key(machineKey) }, { signal: AbortSignal.abort() });`);
      assert.equal(printed, "BastideError Canceled\n");
    });
  }

  test(`${client}: an aborted call, and a function that throws`, () => {
    const printed = run(client, `
      const auth = token(async () => { begun(); throw new Error("no token"); });
      await call({ auth }, { signal: AbortSignal.abort() });`);
    assert.equal(printed, "BastideError Canceled\n");
  });

  test(`${client}: a call that is aborted before a function throws`, () => {
    const printed = run(client, `
      const controller = new AbortController();
      const auth = token(async () => { controller.abort(); throw new Error("no token"); });
      await call({ auth }, { signal: controller.signal });`);
    assert.equal(printed, "BastideError Canceled\n");
  });

  test(`${client}: an interceptor that outlasts the call`, () => {
    const printed = run(client, `
      const outlasts = (next) => async (request) => {
        await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
        return next(request);
      };
      for (const auth of [key(machineKey), token(async () => { begun(); throw new Error("no token"); })]) {
        await call({ auth, timeoutMs: 20, interceptors: [outlasts] });
      }`);
    assert.equal(printed, "BastideError DeadlineExceeded\n".repeat(2));
  });
}

test("web: no token is asked for if nobody wants it", () => {
  const printed = run("web", `
    const fetch = async () => { begun(); throw new Error("down"); };
    await call({ auth: key(machineKey), fetch }, { signal: AbortSignal.abort() });`);
  assert.equal(printed, "BastideError Canceled\n");
});

test("node: what the token endpoint was asked for fails when its caller has gone", () => {
  const printed = run("node", `
    import { createServer } from "node:http";
    const controller = new AbortController();
    const server = createServer((request) => {
      controller.abort();
      setImmediate(() => request.socket.destroy());
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    await call({ url: "http://127.0.0.1:" + server.address().port, auth: key(machineKey) }, { signal: controller.signal });
    server.close();`);
  assert.equal(printed, "BastideError Canceled\n");
});
