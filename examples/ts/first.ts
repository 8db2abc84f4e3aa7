// The first call: who am I?
//
//     node dist/first.js
import { connect, createClient, keyFile } from "@bastide-id/client/node";
import { AuthService } from "@bastide-id/client/v1";

const url = process.env.BASTIDE_URL ?? "http://localhost:8080";
const data = process.env.BASTIDE_DATA_DIR ?? "bastide-data";

const transport = connect({ url, auth: keyFile(`${data}/owner.key.json`) });
const auth = createClient(AuthService, transport);

const { user } = await auth.getMyUser({});
console.log(`I am ${user?.userName}.`);
