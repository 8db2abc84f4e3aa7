// Compiled, never run: what a program that is strict about types may rely on.
import { all, connect, createClient, inOrganization, key, token, BastideError, Code, type Transport } from "@bastide-id/client/web";
import * as node from "@bastide-id/client/node";
import * as everywhere from "@bastide-id/client";
import { AuthService, ManagementService, SystemService, TextQueryMethod, member, system } from "@bastide-id/client/v1";
import { OrganizationService, WebKeyService } from "@bastide-id/client/v2";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

const transport: Transport = connect({ url: new URL("https://acme.example.com"), auth: token(async () => "t"), protocol: "grpc-web" });
node.connect({ url: "https://acme.example.com", protocol: "grpc", auth: node.systemKey("system", "system.key.pem"), retry: false });
node.connect({ url: "https://acme.example.com", protocol: undefined, auth: key("{}"), tls: { ca: "" } });
everywhere.create(system.ListIAMMembersRequestSchema, { instanceId: "1" });
createClient(OrganizationService, transport);
createClient(WebKeyService, transport);

// @ts-expect-error: gRPC is not for browsers.
connect({ url: "https://acme.example.com", protocol: "grpc" });
// @ts-expect-error: there has to be a URL.
connect({});

const client = createClient(SystemService, transport);
for await (const found of all(client.listIAMMembers, { instanceId: "1", query: { limit: 10 } })) {
  const same: Same<typeof found, member.Member> = true;
  void same;
}
for await (const permission of all(createClient(AuthService, transport).listMyZitadelPermissions, {}, inOrganization("1"))) {
  const same: Same<typeof permission, string> = true;
  void same;
}
// @ts-expect-error: no request has such a field.
all(client.listIAMMembers, { instance: "1" });
// @ts-expect-error: its answer lists nothing.
all(createClient(ManagementService, transport).getMyOrg, {});

try {
  await client.createInstance({ owner: { case: "machine", value: { userName: "u", machineKey: {} } } });
} catch (error) {
  if (error instanceof BastideError && error.code === Code.InvalidArgument) {
    error.violations satisfies readonly { field: string; rule: string; message: string }[];
  }
}
void TextQueryMethod.CONTAINS;
