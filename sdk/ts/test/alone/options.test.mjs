// What the options of transports and lists do, and what is refused.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as node from "@bastide-id/client/node";
import * as web from "@bastide-id/client/web";
import { AuthService, ManagementService, management } from "@bastide-id/client/v1";
import { toBinary } from "@bufbuild/protobuf";
import { failed, fine, serve } from "./fake.mjs";

const { all, create, createClient, inOrganization, token } = node;
const auth = token("secret");

for (const [name, { connect }] of Object.entries({ node, web })) {
  test(`${name}: bad options are refused by name`, () => {
    for (const [options, message] of [
      [{ url: "here" }, /^url must be an absolute URL/],
      [{ url: "ftp://localhost" }, /^url must be http or https/],
      [{ url: "https://user:secret@localhost" }, /^url must be http or https, without user/],
      [{ url: "https://localhost/api" }, /^url must be .* without .*path/],
      [{ url: "https://localhost/?token=secret" }, /^url must be .* without .*query/],
      [{ url: "http://bastide.example", auth }, /^url: a token would travel unencrypted/],
      [{ url: "http://127.0.0.1.example", auth }, /^url: a token would travel unencrypted/],
      [{ url: "http://notlocalhost", auth }, /^url: a token would travel unencrypted/],
      [{ url: "https://localhost", protocol: "soap" }, /^protocol must be one of connect, grpc-web/],
      [{ url: "https://localhost", timeoutMs: -1 }, /^timeoutMs must be/],
      [{ url: "https://localhost", timeoutMs: NaN }, /^timeoutMs must be/],
      [{ url: "https://localhost", organization: "" }, /^organization must be an id/],
      [{ url: "https://localhost", organization: "two words" }, /^organization must be an id/],
      [{ url: "https://localhost", retry: { attempts: 0 } }, /^retry.attempts must be/],
      [{ url: "https://localhost", retry: { attempts: 1.5 } }, /^retry.attempts must be/],
      [{ url: "https://localhost", retry: { maxDelayMs: -1 } }, /^retry.maxDelayMs must be/],
    ]) {
      assert.throws(
        () => connect(options),
        (error) => error instanceof TypeError && message.test(error.message) && !error.message.includes("secret"),
        JSON.stringify(options),
      );
    }
  });

  test(`${name}: where a token may go unencrypted`, () => {
    for (const url of ["http://localhost:8080", "http://acme.localhost", "http://LOCALHOST.", "http://127.0.0.2", "http://[::1]:8080"]) {
      connect({ url, auth });
    }
    connect({ url: "http://bastide.internal", auth, insecure: true });
    connect({ url: "http://bastide.internal" });
  });

  test(`${name}: the organization of the transport, and that of a call`, async (t) => {
    const { url, seen } = await serve(t, (_, response) => fine(response));
    const client = createClient(AuthService, connect({ url, organization: "one" }));
    await client.getMyUser({});
    await client.getMyUser({}, inOrganization("two"));
    await client.getMyUser({}, inOrganization("three", { headers: { "x-own": "kept" } }));
    await client.getMyUser({}, inOrganization(""));
    assert.deepEqual(seen.map(({ headers }) => headers["x-zitadel-orgid"]), ["one", "two", "three", undefined]);
    assert.equal(seen[2].headers["x-own"], "kept");
  });

  test(`${name}: the newest position is sent back, one of an error too`, async (t) => {
    const { url, seen } = await serve(t, (_, response, n) => {
      if (n === 1) {
        fine(response, { "x-bastide-position": "p1" });
      } else if (n === 3) {
        failed(response, 404, "not_found", { "x-bastide-position": "p3" });
      } else {
        fine(response);
      }
    });
    const transport = connect({ url });
    const client = createClient(AuthService, transport);
    await client.removeMyUser({});
    await createClient(ManagementService, transport).getMyOrg({});
    await assert.rejects(client.removeMyUser({}));
    await client.getMyUser({});
    await createClient(AuthService, connect({ url })).getMyUser({});
    assert.deepEqual(
      seen.map(({ headers }) => headers["x-bastide-position"]),
      [undefined, "p1", "p1", "p3", undefined],
    );
  });

  test(`${name}: a list goes by page tokens, and drops the offset from the second page on`, async (t) => {
    const page = (...ids) =>
      Buffer.from(toBinary(management.ListUsersResponseSchema, create(management.ListUsersResponseSchema, { result: ids.map((id) => ({ id })) })));
    const pages = [[page("a", "b"), "next"], [page(), "last"], [page("c"), undefined]];
    const { url, seen } = await serve(t, (_, response, n) => {
      const [body, next] = pages[n - 1];
      response.writeHead(200, { "content-type": "application/proto", ...(next && { "x-bastide-next-page-token": next }) });
      response.end(body);
    });
    const client = createClient(ManagementService, connect({ url }));
    const ids = [];
    const heard = [];
    const request = { query: { offset: 3n, limit: 2 } };
    for await (const user of all(client.listUsers, request, { headers: { "x-own": "kept" }, onHeader: () => heard.push(1) })) {
      ids.push(user.id);
    }
    assert.deepEqual(ids, ["a", "b", "c"]);
    assert.deepEqual(seen.map(({ headers }) => headers["x-bastide-page-token"]), [undefined, "next", "last"]);
    assert.ok(seen.every(({ headers }) => headers["x-own"] === "kept"));
    assert.equal(heard.length, 3);
    assert.ok(seen[0].body.length > seen[1].body.length);
    assert.equal(request.query.offset, 3n);
  });

  test(`${name}: who stops asks for no further page`, async (t) => {
    const { url, seen } = await serve(t, (_, response) => {
      const answer = create(management.ListUsersResponseSchema, { result: [{ id: "a" }] });
      response.writeHead(200, { "content-type": "application/proto", "x-bastide-next-page-token": "more" });
      response.end(toBinary(management.ListUsersResponseSchema, answer));
    });
    for await (const _ of all(createClient(ManagementService, connect({ url })).listUsers, {})) {
      break;
    }
    assert.equal(seen.length, 1);
  });
}
