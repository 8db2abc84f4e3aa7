// @zitadel/client: protobuf-es over connect, gRPC by HTTP/2 without TLS.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServerTransport, newSystemToken } from "@zitadel/client/node";
import { createAdminServiceClient, createAuthServiceClient, createManagementServiceClient, createSystemServiceClient } from "@zitadel/client/v1";
import { exercise } from "./objects.mjs";

const [baseUrl, dataDir] = process.argv.slice(2);
const token = readFileSync(`${dataDir}/owner.pat`, "utf8").trim();

const transport = (as, organization) =>
  createServerTransport(as, {
    baseUrl,
    interceptors: organization ? [(next) => (request) => { request.header.set("x-zitadel-orgid", organization); return next(request); }] : [],
  });

await exercise({
  name: "Node client",
  management: (organization) => createManagementServiceClient(transport(token, organization)),
  admin: createAdminServiceClient(transport(token)),
  auth: createAuthServiceClient(transport(token)),
  code: (error) => error?.code,
  oneof: (name, value) => ({ query: { case: name, value } }),
});

const system = createSystemServiceClient(
  transport(await newSystemToken({ audience: baseUrl, subject: "system", key: readFileSync(`${dataDir}/system.key.pem`, "utf8") })),
);
const made = await system.createInstance({
  instanceName: "Node", customDomain: "node.localhost",
  owner: { case: "machine", value: { userName: "owner", name: "Owner", personalAccessToken: {}, machineKey: { type: 1 } } },
});
assert.ok(made.pat && JSON.parse(Buffer.from(made.machineKey).toString()).userId);
await system.removeInstance({ instanceId: made.instanceId });
