// @zitadel/node: nice-grpc over grpc-js.
import { readFileSync } from "node:fs";
import { createAccessTokenInterceptor, createAdminClient, createAuthClient, createManagementClient, createServiceAccountInterceptor } from "@zitadel/node/dist/api/index.js";
import { Application, ServiceAccount } from "@zitadel/node/dist/credentials/index.js";
import { Metadata } from "nice-grpc-common";
import { exercise } from "./objects.mjs";

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
process.exit(0); // its channels stay open
