// What the page and its views agree on.
import type { Credentials, Session } from "./session.js";

/** View is a part of the page with an address of its own, the id of its section. */
export interface View {
  /** Which callers it is for. */
  for: "user" | "system" | "both";
  /** show fills the section; the rest of the address may name an object. The signal says when nobody looks any more. */
  show(session: Session, object: string, signal: AbortSignal): void;
  /** hide takes away what must not stay, such as a token that was shown. */
  hide?(): void;
}

/** Page is what a view may ask of the page. */
export interface Page {
  /** failed shows the error in the section's own place, or asks to sign in again where the token is refused. */
  failed(section: HTMLElement, error: unknown, signal: AbortSignal): void;
  /** refused asks to sign in again where the error says that the token is not valid; it returns whether it did. */
  refused(error: unknown): boolean;
  /** reaches tells whether a server answers where the credentials would be sent. It does not send them. */
  reaches(credentials: Credentials): Promise<boolean>;
  /** isSignedIn tells whether the session is still the one of who is signed in. */
  isSignedIn(session: Session): boolean;
  /** enter signs in as somebody else. */
  enter(credentials: Credentials): void;
  /** leave signs out, and says why. */
  leave(reason: string): void;
}
