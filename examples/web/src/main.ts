// The page: who is signed in, and which view is shown for the address.
import { announce, byId } from "./dom.js";
import { create } from "./create.js";
import { clearError, clearErrors, clearProblem, isAbort, isRefusedToken, markInvalid, showErrors, showProblem } from "./faults.js";
import { instances } from "./instances.js";
import { members } from "./members.js";
import { nameOf, overview } from "./overview.js";
import { type Credentials, forget, keep, type Protocol, reaches, recall, type Session, signIn, transportOf } from "./session.js";
import type { Page, View } from "./view.js";

const form = byId<HTMLFormElement>("signin-form");
const urlField = byId<HTMLInputElement>("url");
const tokenField = byId<HTMLInputElement>("token");
const formProblem = byId("signin").querySelector<HTMLElement>(".problem")!;

let session: Session | undefined;
let showing: { id: string; view: View } | undefined;
let looking = new AbortController();

const page: Page = {
  failed(section, error, signal) {
    if (!isAbort(error, signal) && !page.refused(error)) {
      showProblem(section.querySelector<HTMLElement>(".problem")!, error);
    }
  },
  refused(error) {
    if (!isRefusedToken(error) || !session) {
      return isRefusedToken(error);
    }
    leave();
    markInvalid(tokenField, "This token is not valid any more: it has expired or was revoked.");
    tokenField.focus();
    return true;
  },
  reaches: (credentials) => reaches(credentials, protocol()),
  isSignedIn: (caller) => caller === session,
  enter(credentials) {
    atFirstView();
    leave();
    urlField.value = credentials.url;
    void enter(credentials, false);
  },
  leave(reason) {
    leave();
    announce(reason);
  },
};

const views: Record<string, View> = {
  overview: overview(page),
  members: members(page),
  instances: instances(page),
  create: create(page),
};

form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearErrors(form, formProblem);
  const credentials = { url: urlField.value.trim().replace(/\/+$/, ""), token: tokenField.value.trim() };
  if (!isAddress(credentials.url)) {
    markInvalid(urlField, "Must be an address, such as http://localhost:8080");
  }
  // A header carries the token, and takes no other characters.
  if (!/^[\x21-\x7e]+$/.test(credentials.token)) {
    markInvalid(tokenField, credentials.token ? "Must have no spaces and no letters beyond ASCII." : "Must not be empty.");
  }
  const wrong = form.querySelector<HTMLElement>("[aria-invalid]");
  if (wrong) {
    wrong.focus();
  } else {
    void enter(credentials, new FormData(form).has("keep"));
  }
});
form.addEventListener("input", ({ target }) => {
  const control = target as HTMLInputElement;
  if (control.hasAttribute("aria-invalid")) {
    clearError(control);
  }
});
byId("sign-out").addEventListener("click", () => {
  atFirstView();
  page.leave("Signed out");
});
byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("main").focus();
});
for (const radio of document.querySelectorAll<HTMLInputElement>("[name=protocol]")) {
  radio.addEventListener("change", () => {
    if (session) {
      session.transport = transportOf(session, protocol());
      show(false);
    }
  });
}
addEventListener("hashchange", () => show(true));

const kept = recall();
if (kept) {
  urlField.value = kept.url;
  void enter(kept, true);
} else {
  show(false);
}

function protocol(): Protocol {
  return document.querySelector<HTMLInputElement>("[name=protocol]:checked")!.value as Protocol;
}

// enter signs in. A newer attempt takes the place of an older one.
async function enter(credentials: Credentials, stay: boolean): Promise<void> {
  looking.abort();
  looking = new AbortController();
  const { signal } = looking;
  form.setAttribute("aria-busy", "true");
  try {
    const entered = await signIn(credentials, protocol(), signal);
    signal.throwIfAborted();
    session = entered;
    form.reset();
    urlField.value = credentials.url;
    if (stay) {
      keep(credentials);
    }
    show(true);
  } catch (error) {
    if (isAbort(error, signal)) {
      return;
    }
    forget();
    show(false);
    if (isRefusedToken(error)) {
      markInvalid(tokenField, "The server does not know this token, or not any more.");
      tokenField.focus();
    } else {
      showErrors(form, formProblem, error);
    }
  } finally {
    form.removeAttribute("aria-busy");
  }
}

// atFirstView lets whoever comes next begin at the first view.
function atFirstView(): void {
  history.replaceState(null, "", location.pathname);
}

// leave forgets who was signed in.
function leave(): void {
  session = undefined;
  forget();
  for (const view of Object.values(views)) {
    view.hide?.();
  }
  show(true);
}

// show shows what the address names, to those whom it is for.
function show(moveFocus: boolean): void {
  looking.abort();
  looking = new AbortController();
  const [id, object] = place();
  if (showing && showing.id !== id) {
    showing.view.hide?.();
  }
  for (const section of document.querySelectorAll<HTMLElement>("main > section")) {
    section.hidden = section.id !== id;
  }
  showAccount(id);
  const title = byId(`${id}-title`);
  document.title = `${title.textContent} · Bastide`;
  const view = views[id];
  showing = view && { id, view };
  if (view && session) {
    clearProblem(byId(id).querySelector<HTMLElement>(".problem")!);
    view.show(session, object, looking.signal);
  }
  if (moveFocus) {
    (id === "signin" ? tokenField : title).focus();
  }
}

// place returns the view of the address and the object in it, or the first view of
// the caller where the address names none that it may see.
function place(): [id: string, object: string] {
  if (!session) {
    return ["signin", ""];
  }
  const [, id = "", encoded = ""] = location.hash.split("/");
  const object = decoded(encoded);
  const kind = session.user ? "user" : "system";
  const allowed = views[id]?.for === "both" || views[id]?.for === kind;
  // A system user belongs to no instance, and a user to its own alone.
  if (!allowed || object === undefined || (id === "members" && (kind === "system") !== (object !== ""))) {
    return [kind === "user" ? "overview" : "instances", ""];
  }
  return [id, object];
}

// decoded returns what the part of an address says; undefined where it is malformed.
function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

function showAccount(id: string): void {
  byId("views").hidden = byId("account").hidden = !session;
  if (!session) {
    return;
  }
  const kind = session.user ? "user" : "system";
  for (const link of document.querySelectorAll<HTMLAnchorElement>("#views a")) {
    link.hidden = !link.dataset.for!.split(" ").includes(kind);
    const here = link.hash === `#/${id}`;
    here ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
  }
  byId("account-name").textContent = session.user ? nameOf(session.user) : "System user";
  byId("account-server").textContent = new URL(session.url).host;
}

function isAddress(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}
