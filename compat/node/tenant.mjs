// Every host below localhost is this machine, which many machines do not resolve.
import dns from "node:dns";

const { lookup } = dns;
const lookupLater = dns.promises.lookup;
const isHere = (host) => host.endsWith(".localhost");
const here = { address: "127.0.0.1", family: 4 };

dns.lookup = (host, options, callback = options) => {
  if (!isHere(host)) return lookup(host, options, callback);
  process.nextTick(() => (options?.all ? callback(null, [here]) : callback(null, here.address, here.family)));
};
dns.promises.lookup = async (host, options) =>
  isHere(host) ? (options?.all ? [here] : here) : lookupLater(host, options);

// tenantUrl is the address of an instance, by one of its hosts.
export const tenantUrl = (baseUrl, host) => `http://${host}:${new URL(baseUrl).port}`;

// machine is the owner of a new instance.
export const machine = { userName: "owner", name: "Owner", personalAccessToken: {}, machineKey: { type: 1 } };

// keyFile reads a key file, of a machine user or an application.
export const keyFile = (details) => JSON.parse(Buffer.from(details).toString());
