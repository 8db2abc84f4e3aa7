import { createPrivateKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { SignJWT } from "jose";
import { audienceOf, token, type Auth, type KeyOptions } from "./auth.js";
import { cached } from "./cached.js";
import { key } from "./key.js";

// The server takes system tokens that last no longer.
const systemTokenSeconds = 3600;

/**
 * Authenticates by the access token in a file, such as the owner.pat of the first start.
 * Throws TypeError for what is no token, and what the file system throws.
 */
export function tokenFile(path: string): Auth {
  return token(readFileSync(path, "utf8"));
}

/**
 * Authenticates as a machine by its key file, given by its path or as its JSON; see
 * `key`. Throws TypeError for what is no such key, and what the file system throws.
 */
export function keyFile(pathOrJson: string | Uint8Array, options: KeyOptions = {}): Auth {
  const isPath = typeof pathOrJson === "string" && !pathOrJson.trimStart().startsWith("{");
  return key(isPath ? readFileSync(pathOrJson) : pathOrJson, options);
}

/**
 * Authenticates as a system user by its private key (RSA, EC P-256 or Ed25519), given
 * as PEM or by the path of that. Its tokens are signed here, and good for the server
 * that `audience` or the URL names. Throws TypeError for another key, and what the file system throws.
 */
export function systemKey(user: string, pemOrPath: string, options: KeyOptions = {}): Auth {
  if (user === "") {
    throw new TypeError("systemKey: the user must not be empty");
  }
  const audience = audienceOf(options);
  const pem = pemOrPath.includes("-----BEGIN ") ? pemOrPath : readFileSync(pemOrPath, "utf8");
  const privateKey = read(pem);
  const alg = algorithm(privateKey);
  return (server) =>
    cached(async () => {
      const begin = server.environment.now();
      const seconds = Math.floor(begin / 1000);
      const signed = await new SignJWT()
        .setProtectedHeader({ alg })
        .setIssuer(user)
        .setSubject(user)
        .setAudience(audience(server))
        .setIssuedAt(seconds)
        .setExpirationTime(seconds + systemTokenSeconds)
        .setJti(crypto.randomUUID()) // one signed anew is another
        .sign(privateKey);
      return { token: signed, begin, end: (seconds + systemTokenSeconds) * 1000 };
    }, () => server.environment.now());
}

// What the key's text says is not repeated in the error.
function read(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new TypeError("systemKey: there is no private key in PEM, or it is encrypted");
  }
}

function algorithm(privateKey: KeyObject): string {
  const kind = privateKey.asymmetricKeyType;
  if (kind === "rsa") {
    return "RS256";
  }
  if (kind === "ec" && privateKey.asymmetricKeyDetails?.namedCurve === "prime256v1") {
    return "ES256";
  }
  if (kind === "ed25519") {
    return "EdDSA";
  }
  throw new TypeError("systemKey: the key must be RSA, EC on the curve P-256, or Ed25519");
}
