// A new instance, made by a system user: a form, and then what came of it.
import { createClient, timestampFromDate } from "@bastide-id/client/web";
import { authn, SystemService, type system } from "@bastide-id/client/v1";
import { announce, byId, copyButton, el, facts, pills } from "./dom.js";
import { clearErrors, clearError, isAbort, isRefusedToken, showErrors, showProblem } from "./faults.js";
import { idOf } from "./overview.js";
import type { Session } from "./session.js";
import type { Page, View } from "./view.js";

/** create lets a system user make an instance; others are told what it takes. */
export function create(page: Page): View {
  const form = byId<HTMLFormElement>("create-form");
  const problem = form.querySelector<HTMLElement>(".problem")!;
  const result = byId("create-result");
  let session: Session | undefined;
  let looked: AbortSignal;
  let running = false;

  const empty = () => {
    result.hidden = true;
    result.replaceChildren();
    form.hidden = session?.user !== undefined;
  };
  const again = () => {
    empty();
    byId("instance-name").focus();
  };
  byId("create-switch").addEventListener("click", () => page.leave("Sign in with a system token to make an instance."));
  form.addEventListener("change", (event) => {
    if ((event.target as HTMLInputElement).name === "owner") {
      chooseOwner(form);
    }
  });
  form.addEventListener("input", (event) => {
    const control = event.target as HTMLInputElement;
    if (control.hasAttribute("aria-invalid")) {
      clearError(control);
    }
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (running || !session) {
      return;
    }
    running = true;
    form.setAttribute("aria-busy", "true");
    const [caller, signal] = [session, looked];
    try {
      const data = new FormData(form);
      // Nothing ends this call early: what it answers is answered this once.
      const made = await createClient(SystemService, caller.transport).createInstance(request(data));
      // Whoever looks elsewhere in the meantime finds it here; whoever signed out does not.
      if (page.isSignedIn(caller)) {
        clearErrors(form, problem);
        form.reset();
        chooseOwner(form);
        form.hidden = true;
        result.hidden = false;
        await showResult(result, { page, session: caller, name: text(data, "instance_name"), made, again });
      }
    } catch (error) {
      if (isAbort(error, signal) || isRefusedToken(error)) {
        page.failed(byId("create"), error, signal);
      } else {
        showErrors(form, problem, error);
      }
    } finally {
      running = false;
      form.removeAttribute("aria-busy");
    }
  });
  return {
    for: "both",
    show(newSession, _, signal) {
      const other = newSession !== session;
      session = newSession;
      looked = signal;
      byId("create-refused").hidden = session.user === undefined;
      if (other) {
        empty();
      }
    },
    hide() {
      clearErrors(form, problem);
      form.reset();
      chooseOwner(form);
      empty();
    },
  };
}

function chooseOwner(form: HTMLFormElement): void {
  const chosen = new FormData(form).get("owner");
  for (const owner of ["machine", "human"]) {
    const fields = byId<HTMLFieldSetElement>(`owner-${owner}`);
    fields.hidden = fields.disabled = owner !== chosen;
  }
}

// request makes the message of what is filled in. What is wrong with it the server says.
function request(data: FormData) {
  return {
    instanceName: text(data, "instance_name"),
    customDomain: text(data, "custom_domain"),
    firstOrgName: text(data, "first_org_name"),
    defaultLanguage: text(data, "default_language"),
    owner: data.get("owner") === "human" ? human(data) : machine(data),
  };
}

function human(data: FormData) {
  const password = String(data.get("human.password.password"));
  return {
    case: "human" as const,
    value: {
      userName: text(data, "human.user_name"),
      email: { email: text(data, "human.email.email"), isEmailVerified: data.has("verified") },
      profile: { firstName: text(data, "human.profile.first_name"), lastName: text(data, "human.profile.last_name") },
      ...(password && { password: { password } }),
    },
  };
}

function machine(data: FormData) {
  const day = text(data, "machine.personal_access_token.expiration_date");
  const expires = day ? { expirationDate: timestampFromDate(new Date(day)) } : {};
  return {
    case: "machine" as const,
    value: {
      userName: text(data, "machine.user_name"),
      name: text(data, "machine.name"),
      personalAccessToken: expires,
      ...(data.has("machine_key") && { machineKey: { type: authn.KeyType.JSON } }),
    },
  };
}

function text(data: FormData, name: string): string {
  return String(data.get(name) ?? "").trim();
}

interface Made {
  page: Page;
  session: Session;
  name: string;
  made: system.CreateInstanceResponse;
  again: () => void;
}

// showResult shows the id and, this once, the owner's token and key file.
async function showResult(place: HTMLElement, { page, session, name, made, again }: Made): Promise<void> {
  const title = el("h2", { tabindex: "-1" }, `${name} is ready`);
  const domains = el("span", {}, "…");
  const problem = el("div", { class: "problem", role: "alert" });
  const actions = el("p", { class: "actions" });
  const more = el("button", { type: "button" }, "Create another one");
  more.addEventListener("click", again);
  actions.append(el("a", { class: "button", href: `#/members/${made.instanceId}` }, "Show its members"), more);
  place.replaceChildren(title, facts({ Id: idOf(made.instanceId, "the id of the instance"), Domains: domains }), ...secrets(name, made), problem, actions);
  title.focus();
  announce(place.checkVisibility() ? `${name} is ready` : `${name} is ready: see New instance`);
  try {
    const client = createClient(SystemService, session.transport);
    const { instance } = await client.getInstance({ instanceId: made.instanceId });
    const own = [...(instance?.domains ?? [])].sort((a, b) => Number(b.primary) - Number(a.primary));
    domains.replaceChildren(pills(own.map(({ domain }) => domain)) ?? "–");
    if (made.pat) {
      const urls = own.sort((a, b) => Number(b.generated) - Number(a.generated)).map(({ domain }) => addressOf(session.url, domain));
      actions.prepend((await enterButton(page, urls, made.pat)) ?? el("p", {}, "Its domains do not lead to the server from here."));
    }
  } catch (error) {
    domains.textContent = "–";
    showProblem(problem, error);
  }
}

function secrets(name: string, made: system.CreateInstanceResponse): HTMLElement[] {
  const parts: HTMLElement[] = [];
  if (made.pat) {
    const id = "made-token";
    const shown = el("input", { id, readonly: true, value: made.pat, autocomplete: "off", spellcheck: "false" });
    shown.addEventListener("focus", () => shown.select());
    parts.push(el("div", { class: "field" }, el("label", { for: id }, "The owner’s token"), el("div", { class: "row" }, shown, copyButton(made.pat, "the token"))));
  }
  if (made.machineKey.length > 0) {
    const button = el("button", { type: "button" }, "Save the owner’s key file");
    button.addEventListener("click", () => save(`${name}.key.json`, made.machineKey));
    parts.push(button);
  }
  return parts.length === 0 ? [] : [el("div", { class: "once" }, el("p", {}, "Shown this once: keep it before you leave."), ...parts)];
}

function save(name: string, content: Uint8Array): void {
  const url = URL.createObjectURL(new Blob([new Uint8Array(content)], { type: "application/json" }));
  el("a", { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}

// enterButton hands the token to the first address that answers, which it names;
// undefined if none does. The generated domain comes first, being one of the server's
// own: one that was typed may be a stranger's, by a slip or until it is pointed here.
async function enterButton(page: Page, urls: string[], token: string): Promise<HTMLButtonElement | undefined> {
  for (const url of urls) {
    if (await page.reaches({ url, token })) {
      const button = el("button", { type: "button", class: "primary" }, `Sign in as its owner at ${new URL(url).host}`);
      button.addEventListener("click", () => page.enter({ url, token }));
      return button;
    }
  }
  return undefined;
}

// addressOf returns where the server answers for the domain.
function addressOf(server: string, domain: string): string {
  const url = new URL(server);
  url.hostname = domain;
  return url.origin;
}
