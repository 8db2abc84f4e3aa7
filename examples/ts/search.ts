// Searches the members of the instance by the beginning of their first name.
//
//     node dist/search.js ad
import { all, connect, createClient, keyFile } from "@bastide-id/client/node";
import { AdminService, TextQueryMethod } from "@bastide-id/client/v1";

const url = process.env.BASTIDE_URL ?? "http://localhost:8080";
const data = process.env.BASTIDE_DATA_DIR ?? "bastide-data";
const firstName = process.argv[2] ?? "";

const transport = connect({ url, auth: keyFile(`${data}/owner.key.json`) });
const admin = createClient(AdminService, transport);

const members = all(admin.listIAMMembers, {
  queries: [
    {
      query: {
        case: "firstNameQuery",
        value: { firstName, method: TextQueryMethod.STARTS_WITH_IGNORE_CASE },
      },
    },
  ],
});
let found = 0;
for await (const member of members) {
  console.log(`${member.preferredLoginName}: ${member.roles.join(", ")}`);
  found++;
}
console.log(`${found} found.`);
