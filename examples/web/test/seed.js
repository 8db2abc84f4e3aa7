// What the tests find on the server: made with the SDK, in Node.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { connect, createClient, token } from "@bastide-id/client/node";
import { AdminService, ManagementService, SystemService } from "@bastide-id/client/v1";

/** server is the URL of the server under test. */
export const server = process.env.BASTIDE_URL;

/** ownerToken returns the token of the first instance's owner. */
export function ownerToken() {
  return readFileSync(join(process.env.BASTIDE_DATA_DIR, "owner.pat"), "utf8").trim();
}

/** systemToken returns a token of the system user. */
export async function systemToken() {
  const { stdout } = await promisify(execFile)("bastide", ["system-token", "--audience", server]);
  return stdout.trim();
}

/** addressOf returns where the tenant of the domain is. */
export function addressOf(domain) {
  const url = new URL(server);
  url.hostname = domain;
  return url.origin;
}

/** clientsOf returns clients of the services for the caller. */
export function clientsOf(url, pat) {
  const transport = connect({ url, auth: token(pat) });
  return { admin: createClient(AdminService, transport), management: createClient(ManagementService, transport) };
}

/** tenant makes an instance with a machine as owner. */
export async function tenant(name, domain) {
  const system = createClient(SystemService, connect({ url: server, auth: token(await systemToken()) }));
  const made = await system.createInstance({
    instanceName: name,
    customDomain: domain,
    owner: { case: "machine", value: { userName: "provisioner", name: "Provisioner", personalAccessToken: {} } },
  });
  const url = addressOf(domain);
  return { id: made.instanceId, url, token: made.pat, ...clientsOf(url, made.pat) };
}

// First names that share beginnings and endings, with marks and capitals in the middle.
const firstNames = ["Ada", "Adam", "Alan", "Barbara", "Claude", "Donald", "Edsger", "Émilie", "Grace", "Hedy", "Joan", "Katherine"];
const lastNames = ["Lovelace", "McCarthy", "Turing"];

/** people are those whom addMembers adds. */
export const people = lastNames.flatMap((last) =>
  firstNames.map((first) => {
    const plain = `${first}.${last}`.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
    return { first, last, email: `${plain}@acme.example` };
  }),
);

/** addMembers makes the people members of the tenant, one after the other, and returns their ids. */
export async function addMembers({ management, admin }) {
  const ids = [];
  for (const [index, { first, last, email }] of people.entries()) {
    const { userId } = await management.importHumanUser({
      userName: email,
      profile: { firstName: first, lastName: last },
      email: { email, isEmailVerified: true },
    });
    await admin.addIAMMember({ userId, roles: [index % 6 === 0 ? "IAM_USER_MANAGER" : "IAM_OWNER_VIEWER"] });
    ids.push(userId);
  }
  return ids;
}
