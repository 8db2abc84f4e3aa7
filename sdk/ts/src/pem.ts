const label = /^\s*-----BEGIN ([A-Z ]+)-----([\s\S]+?)-----END \1-----\s*$/;

// SEQUENCE { INTEGER 0, SEQUENCE { OID rsaEncryption, NULL }, … of RFC 5208.
const version = [0x02, 0x01, 0x00];
const rsaEncryption = [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/**
 * Returns a private RSA key, PKCS #1 or PKCS #8, as PKCS #8, which is all that Web
 * Cryptography reads. Throws TypeError for any other PEM.
 */
export function pkcs8(pem: string): string {
  const [, kind, body] = label.exec(pem) ?? [];
  if (kind === "PRIVATE KEY") {
    return pem;
  }
  if (kind !== "RSA PRIVATE KEY" || body === undefined || body.includes(":")) {
    throw new TypeError("the key must be a private RSA key in PEM, not encrypted");
  }
  const key = Uint8Array.from(atob(body.replace(/\s/g, "")), (character) => character.charCodeAt(0));
  const wrapped = der(0x30, [...version, ...rsaEncryption, ...der(0x04, [...key])]);
  const text = btoa(String.fromCharCode(...wrapped)).replace(/.{64}/g, "$&\n");
  return `-----BEGIN PRIVATE KEY-----\n${text}\n-----END PRIVATE KEY-----\n`;
}

function der(tag: number, content: number[]): number[] {
  const length: number[] = [];
  for (let rest = content.length; rest > 0; rest >>= 8) {
    length.unshift(rest & 0xff);
  }
  return content.length < 0x80 ? [tag, content.length, ...content] : [tag, 0x80 | length.length, ...length, ...content];
}
