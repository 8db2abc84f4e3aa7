// My user, my organization and the instance: three calls at once, each with a card.
import { createClient } from "@bastide-id/client/web";
import { AdminService, AuthService, type instance as instances, ManagementService, type org as orgs, user as users } from "@bastide-id/client/v1";
import { byId, copyButton, el, facts, label, moment, pills } from "./dom.js";
import { clearProblem, isAbort, showProblem } from "./faults.js";
import type { Page, View } from "./view.js";

/** overview shows what the caller is and where. */
export function overview(page: Page): View {
  const section = byId("overview");
  const card = async (id: string, signal: AbortSignal, read: () => Promise<HTMLElement>) => {
    const place = byId(id).querySelector<HTMLElement>(".facts")!;
    place.replaceChildren(el("p", { class: "loading" }, "Loading…"));
    try {
      place.replaceChildren(await read());
    } catch (error) {
      if (isAbort(error, signal) || page.refused(error)) {
        return;
      }
      const problem = el("div", { class: "problem", role: "alert" });
      place.replaceChildren(problem);
      showProblem(problem, error);
    }
  };
  return {
    for: "user",
    show({ transport }, _, signal) {
      clearProblem(section.querySelector<HTMLElement>(".problem")!);
      void card("my-user", signal, async () => {
        const { user } = await createClient(AuthService, transport).getMyUser({}, { signal });
        return userFacts(user);
      });
      void card("my-org", signal, async () => {
        const { org } = await createClient(ManagementService, transport).getMyOrg({}, { signal });
        return orgFacts(org);
      });
      void card("my-instance", signal, async () => {
        const { instance } = await createClient(AdminService, transport).getMyInstance({}, { signal });
        return instanceFacts(instance);
      });
    },
  };
}

/** nameOf returns how a user is called. */
export function nameOf(user: users.User): string {
  const { value } = user.type;
  if (user.type.case === "human") {
    return user.type.value.profile?.displayName || user.userName;
  }
  return (value && "name" in value && value.name) || user.userName;
}

function userFacts(user: users.User | undefined): HTMLElement {
  if (!user) {
    return el("p", {}, "There is none.");
  }
  const human = user.type.case === "human" ? user.type.value : undefined;
  return facts({
    Name: nameOf(user),
    Kind: human ? "Person" : "Machine",
    "Login name": user.preferredLoginName,
    "E-mail": human?.email?.email,
    State: label(users.UserState[user.state]),
    Added: moment(user.details?.creationDate),
    Id: idOf(user.id, "the id of the user"),
  });
}

function orgFacts(org: orgs.Org | undefined): HTMLElement {
  if (!org) {
    return el("p", {}, "There is none.");
  }
  return facts({
    Name: org.name,
    Domain: org.primaryDomain,
    Added: moment(org.details?.creationDate),
    Id: idOf(org.id, "the id of the organization"),
  });
}

function instanceFacts(instance: instances.InstanceDetail | undefined): HTMLElement {
  if (!instance) {
    return el("p", {}, "There is none.");
  }
  const domains = [...instance.domains].sort((a, b) => Number(b.primary) - Number(a.primary));
  return facts({
    Name: instance.name,
    Domains: pills(domains.map(({ domain }) => domain)),
    Version: instance.version,
    Added: moment(instance.details?.creationDate),
    Id: idOf(instance.id, "the id of the instance"),
  });
}

/** idOf shows an id with a button that copies it. */
export function idOf(id: string, what: string): HTMLElement {
  return el("span", { class: "id" }, el("code", {}, id), copyButton(id, what));
}
