import { Code, ConnectError } from "@connectrpc/connect";
import { SignJWT, importPKCS8 } from "jose";
import { audienceOf, isVisible, type Auth, type KeyOptions, type Reply, type Server } from "./auth.js";
import { cached, type Lasting } from "./cached.js";
import { pkcs8 } from "./pem.js";

const tokenPath = "/oauth/v2/token";
const grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const scope = "openid urn:zitadel:iam:org:project:id:zitadel:aud";
// An assertion is taken once only; the rest is for a clock that is late.
const assertionSeconds = 600;
// Keeps the arithmetic of times from running over.
const longestLife = 10 * 365 * 24 * 60 * 60;

interface KeyFile {
  keyId: string;
  userId: string;
  key: string;
}

/**
 * Authenticates as a machine by its key, the JSON that AddMachineKey and CreateInstance
 * answer, as text or as the bytes that it comes in. It signs an assertion, exchanges
 * that for an access token, and does so again before the token ends. The key itself goes
 * nowhere. Throws TypeError for what is no such key.
 */
export function key(json: string | Uint8Array, options: KeyOptions = {}): Auth {
  const file = parse(typeof json === "string" ? json : new TextDecoder().decode(json));
  const audience = audienceOf(options);
  const signer = importPKCS8(pkcs8(file.key), "RS256");
  signer.catch(() => {}); // told when it is used
  return (server) =>
    cached(async (signal) => {
      const privateKey = await signer.catch(() => {
        throw new ConnectError('the key file\'s "key" is not a private RSA key', Code.Unauthenticated);
      });
      const asked = server.environment.now();
      const seconds = Math.floor(asked / 1000);
      const assertion = await new SignJWT()
        .setProtectedHeader({ alg: "RS256", kid: file.keyId })
        .setIssuer(file.userId)
        .setSubject(file.userId)
        .setAudience(audience(server))
        .setIssuedAt(seconds)
        .setExpirationTime(seconds + assertionSeconds)
        .setJti(crypto.randomUUID())
        .sign(privateKey);
      return exchange(server, assertion, asked, signal);
    }, () => server.environment.now());
}

// The token endpoint is the one of the URL that the caller was given, at the path of
// the contract. A discovery document could name another host: the assertion goes
// nowhere but where the calls go, and there is one request less.
async function exchange(server: Server, assertion: string, asked: number, signal: AbortSignal): Promise<Lasting> {
  const form = new URLSearchParams({ grant_type: grant, scope, assertion });
  const reply = await server.post(server.origin + tokenPath, form, signal);
  const answer = object(reply.body);
  if (reply.status !== 200) {
    throw refusal(reply, answer);
  }
  const { access_token: token, expires_in: lasts = 0, token_type: type } = answer;
  if (!isVisible(token) || typeof lasts !== "number" || String(type).toLowerCase() !== "bearer") {
    throw new ConnectError("the token endpoint answered something else than a token: is the URL that of Bastide?", Code.Unknown);
  }
  return { token, begin: asked, end: lasts > 0 ? asked + Math.min(lasts, longestLife) * 1000 : Infinity };
}

function refusal(reply: Reply, answer: Record<string, unknown>): ConnectError {
  const refused = typeof answer.error === "string" && answer.error !== "";
  const code =
    reply.status === 429
      ? Code.ResourceExhausted
      : reply.status >= 500
        ? Code.Unavailable
        : refused
          ? Code.Unauthenticated
          : Code.Unknown;
  const parts = [answer.error, answer.error_description].filter((part) => typeof part === "string" && part !== "");
  return new ConnectError(
    `the server gave no access token for the key: ${[...parts, `HTTP status ${reply.status}`].join(": ")}`,
    code,
  );
}

function parse(json: string): KeyFile {
  const file = object(json);
  if (file.type === "application") {
    throw new TypeError('the key is one of an application: it must be one of a machine user, of the type "serviceaccount"');
  }
  if (file.type !== "serviceaccount") {
    throw new TypeError('the key file must be the JSON that the server gave for a machine\'s key, of the type "serviceaccount"');
  }
  for (const name of ["keyId", "userId", "key"] as const) {
    if (typeof file[name] !== "string" || file[name] === "") {
      throw new TypeError(
        `the key file must be the JSON that the server gave for a machine's key: it has no ${JSON.stringify(name)}`,
      );
    }
  }
  return file as unknown as KeyFile;
}

// Returns an empty object for what is none: the callers say what is missing.
function object(json: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
