// The server that the tests run beside, and a tenant of their own on it.
import { readFileSync } from "node:fs";
import { connect, createClient, systemKey } from "@bastide-id/client/node";
import { SystemService, authn } from "@bastide-id/client/v1";

export const { BASTIDE_URL: url, BASTIDE_DATA_DIR: data } = process.env;
if (!url || !data) {
  throw new Error("run it by `task test:sdk:ts`: there is no server beside it");
}
export const systemKeyPath = `${data}/system.key.pem`;
export const ownerKeyPath = `${data}/owner.key.json`;
export const ownerToken = readFileSync(`${data}/owner.pat`, "utf8").trim();

// Makes an instance; returns its id, its URL, and the owner's key and token.
export async function tenant(name) {
  const system = createClient(SystemService, connect({ url, auth: systemKey("system", systemKeyPath) }));
  const made = await system.createInstance({
    instanceName: name,
    customDomain: `${name}.localhost`,
    owner: {
      case: "machine",
      value: { userName: "owner", name: "Owner", personalAccessToken: {}, machineKey: { type: authn.KeyType.JSON } },
    },
  });
  const its = new URL(url);
  its.hostname = `${name}.localhost`;
  return { id: made.instanceId, url: its.origin, key: made.machineKey, token: made.pat };
}
