// @zitadel/node: nice-grpc over grpc-js.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { newSystemToken } from "@zitadel/client/node";
import {
  createAccessTokenInterceptor, createAdminClient, createAuthClient, createManagementClient, createServiceAccountInterceptor, createSystemClient,
} from "@zitadel/node/dist/api/index.js";
import { Application, ServiceAccount } from "@zitadel/node/dist/credentials/index.js";
import { Metadata } from "nice-grpc-common";
import { exercise } from "./objects.mjs";
import { keyFile, machine, tenantUrl } from "./tenant.mjs";

const [baseUrl, dataDir] = process.argv.slice(2);
const token = createAccessTokenInterceptor(readFileSync(`${dataDir}/owner.pat`, "utf8").trim());

const inOrganization = (id) =>
  async function* (call, options) {
    options.metadata ??= new Metadata();
    options.metadata.set("x-zitadel-orgid", id);
    return yield* call.next(call.request, options);
  };

const clients = (as) => ({
  management: (organization) => createManagementClient(baseUrl, as, ...(organization ? [inOrganization(organization)] : [])),
  admin: createAdminClient(baseUrl, as),
  auth: createAuthClient(baseUrl, as),
  code: (error) => error?.code,
  oneof: (name, value) => ({ [name]: value }),
  long: Number,
  readKey: (file) => Application.fromJson(file),
  // Exchanges the key file of a machine user for a token, and asks who that is.
  whoHasKey: async (file) =>
    (await createAuthClient(baseUrl, createServiceAccountInterceptor(baseUrl, ServiceAccount.fromJson(file), { apiAccess: true })).getMyUser({})).user.id,
});

await exercise({ name: "Node gRPC by token", ...clients(token) });

// The key file that the first run left.
const account = ServiceAccount.fromJson(JSON.parse(readFileSync(`${dataDir}/owner.key.json`, "utf8")));
await exercise({ name: "Node gRPC by key", ...clients(createServiceAccountInterceptor(baseUrl, account, { apiAccess: true })) });

// The token and the key of a new tenant work the moment they are answered, there
// only. For system users the package makes no tokens: the newer one does.
const systemToken = await newSystemToken({ audience: baseUrl, subject: "system", key: readFileSync(`${dataDir}/system.key.pem`, "utf8") });
const system = createSystemClient(baseUrl, createAccessTokenInterceptor(systemToken));
const made = await system.createInstance({ instanceName: "Node", customDomain: "node.localhost", machine });
const url = tenantUrl(baseUrl, "node.localhost");
const file = keyFile(made.machineKey);
const owner = ServiceAccount.fromJson(file);
for (const as of [createAccessTokenInterceptor(made.pat), createServiceAccountInterceptor(url, owner, { apiAccess: true })]) {
  assert.equal((await createAuthClient(url, as).getMyUser({})).user.id, file.userId);
  assert.equal((await createAdminClient(url, as).getMyInstance({})).instance.id, made.instanceId);
}
await assert.rejects(createAuthClient(baseUrl, createAccessTokenInterceptor(made.pat)).getMyUser({}), { code: 16 });
await assert.rejects(owner.authenticate(baseUrl, { apiAccess: true }));
await system.removeInstance({ instanceId: made.instanceId });
process.exit(0); // its channels stay open
