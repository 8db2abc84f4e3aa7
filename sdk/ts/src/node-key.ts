import { createPrivateKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { SignJWT } from "jose";
import type { Auth } from "./auth.js";
import { cached } from "./cached.js";
import { key } from "./key.js";

// The server takes system tokens that last no longer.
const systemTokenSeconds = 3600;

/**
 * Authenticates as a machine by its key file, given by its path or as its JSON; see
 * `key`. Throws TypeError for what is no such key, and what the file system throws.
 */
export function keyFile(pathOrJson: string | Uint8Array): Auth {
  const isPath = typeof pathOrJson === "string" && !pathOrJson.trimStart().startsWith("{");
  return key(isPath ? readFileSync(pathOrJson) : pathOrJson);
}

/**
 * Authenticates as a system user by its private key (RSA, EC P-256 or Ed25519), given
 * as PEM or by the path of that. Its tokens are signed here, and good for the host of
 * the URL. Throws TypeError for another key, and what the file system throws.
 */
export function systemKey(user: string, pemOrPath: string): Auth {
  if (user === "") {
    throw new TypeError("systemKey: the user must not be empty");
  }
  const pem = pemOrPath.includes("-----BEGIN ") ? pemOrPath : readFileSync(pemOrPath, "utf8");
  const privateKey = read(pem);
  const alg = algorithm(privateKey);
  return ({ origin, environment }) =>
    cached(async () => {
      const begin = environment.now();
      const seconds = Math.floor(begin / 1000);
      const token = await new SignJWT()
        .setProtectedHeader({ alg })
        .setIssuer(user)
        .setSubject(user)
        .setAudience(origin)
        .setIssuedAt(seconds)
        .setExpirationTime(seconds + systemTokenSeconds)
        .sign(privateKey);
      return { token, begin, end: (seconds + systemTokenSeconds) * 1000 };
    }, () => environment.now());
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
