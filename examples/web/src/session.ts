// Who is signed in, where, and over which protocol. The token is kept in memory, and
// in the tab's own storage only where the user asked for it; it is in no address.
import { BastideError, Code, connect, createClient, token, type Transport } from "@bastide-id/client/web";
import { AuthService, SystemService, type user as users } from "@bastide-id/client/v1";

export type Protocol = "connect" | "grpc-web";

/** Credentials are what somebody signs in with. */
export interface Credentials {
  url: string;
  token: string;
}

/** Session is a caller that the server knows: a user, or a system user without a row of its own. */
export interface Session extends Credentials {
  transport: Transport;
  user: users.User | undefined;
}

const kept = "bastide.credentials";

/** transportOf returns what calls with the credentials go through. */
export function transportOf(credentials: Credentials, protocol: Protocol): Transport {
  return connect({ url: credentials.url, auth: token(credentials.token), protocol });
}

/**
 * signIn asks the server whose token it is. Unauthenticated: the token is not valid
 * there. Unavailable: the server cannot be reached.
 */
export async function signIn(credentials: Credentials, protocol: Protocol, signal: AbortSignal): Promise<Session> {
  const transport = transportOf(credentials, protocol);
  try {
    const { user } = await createClient(AuthService, transport).getMyUser({}, { signal });
    return { ...credentials, transport, user };
  } catch (error) {
    if (!(error instanceof BastideError && error.code === Code.NotFound && error.id === "user.unknown")) {
      throw error;
    }
  }
  // A system user is known by its key alone; its own service tells whether it is one.
  await createClient(SystemService, transport).listInstances({ query: { limit: 1 } }, { signal });
  return { ...credentials, transport, user: undefined };
}

/**
 * reaches tells whether a server answers where the credentials would be sent, and they
 * may travel there. It does not send them.
 */
export async function reaches(credentials: Credentials, protocol: Protocol): Promise<boolean> {
  try {
    transportOf(credentials, protocol); // refuses an address on the way to which the token could be read
    const anonymous = connect({ url: credentials.url, protocol });
    await createClient(AuthService, anonymous).healthz({}, { timeoutMs: 5000 });
    return true;
  } catch {
    return false;
  }
}

/** keep holds the credentials until the tab is closed. */
export function keep(credentials: Credentials): void {
  sessionStorage.setItem(kept, JSON.stringify({ url: credentials.url, token: credentials.token }));
}

/** forget drops what was kept. */
export function forget(): void {
  sessionStorage.removeItem(kept);
}

/** recall returns the credentials that were kept, if any. What is broken it drops. */
export function recall(): Credentials | undefined {
  const text = sessionStorage.getItem(kept);
  try {
    const { url, token } = JSON.parse(text ?? "{}");
    if (typeof url === "string" && typeof token === "string") {
      return { url, token };
    }
  } catch {
    // Broken: the user signs in again.
  }
  forget();
  return undefined;
}
