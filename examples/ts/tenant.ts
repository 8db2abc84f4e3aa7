// Creates a tenant and uses its owner's key at once.
//
//     node dist/tenant.js acme
import { BastideError, Code, connect, createClient, keyFile, systemKey } from "@bastide-id/client/node";
import { AdminService, AuthService, SystemService, authn } from "@bastide-id/client/v1";

const url = new URL(process.env.BASTIDE_URL ?? "http://localhost:8080");
const data = process.env.BASTIDE_DATA_DIR ?? "bastide-data";
const name = process.argv[2] ?? "acme";

const system = createClient(
  SystemService,
  connect({ url, auth: systemKey("system", `${data}/system.key.pem`) }),
);

try {
  const { instanceId, machineKey } = await system.createInstance({
    instanceName: name,
    customDomain: `${name}.localhost`,
    owner: {
      case: "machine",
      value: { userName: "owner", name: "Owner", machineKey: { type: authn.KeyType.JSON } },
    },
  });
  console.log(`Created ${name} with the id ${instanceId}.`);

  // The tenant answers at its own host name, which is on this machine.
  const its = new URL(url);
  its.hostname = `${name}.localhost`;
  const tenant = connect({ url: its, auth: keyFile(machineKey) });

  const { user } = await createClient(AuthService, tenant).getMyUser({});
  const { instance } = await createClient(AdminService, tenant).getMyInstance({});
  console.log(`${user?.userName} owns ${instance?.name} at ${its.host}.`);
} catch (error) {
  if (!(error instanceof BastideError)) {
    throw error;
  }
  const hint = error.id === "domain.taken" ? " Give another name." : "";
  console.error(`${Code[error.code]}: ${error.message}.${hint}`);
  process.exitCode = 1;
}
