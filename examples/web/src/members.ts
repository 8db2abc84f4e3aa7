// The members of an instance: of one's own, or of any to a system user.
import { createClient } from "@bastide-id/client/web";
import { AdminService, member as shape, SystemService, TextQueryMethod, user } from "@bastide-id/client/v1";
import { byId, el, moment, pills } from "./dom.js";
import { clearErrors, isAbort, isRefusedToken, showErrors } from "./faults.js";
import { type Column, List, type Source } from "./list.js";
import { paging } from "./paging.js";
import type { Session } from "./session.js";
import type { Page, View } from "./view.js";

const By = shape.MemberFieldColumnName;
const typing = 250; // milliseconds without a key before a search begins

const columns: Column<shape.Member>[] = [
  { title: "Name", cell: name },
  { title: "Roles", cell: (member) => pills(member.roles) },
  { title: "User id", order: By.MEMBER_FIELD_NAME_USER_ID, cell: (member) => el("code", {}, member.userId) },
  {
    title: "Organization",
    order: By.MEMBER_FIELD_NAME_USER_RESOURCE_OWNER,
    cell: (member) => el("code", {}, member.userResourceOwner),
  },
  {
    title: "Added",
    order: By.MEMBER_FIELD_NAME_CREATION_DATE,
    cell: (member) => moment(member.details?.creationDate),
  },
  {
    title: "Changed",
    order: By.MEMBER_FIELD_NAME_CHANGE_DATE,
    cell: (member) => moment(member.details?.changeDate),
  },
];

const words = { caption: "Members of the instance", one: "member", many: "members", none: "Nobody matches." };

/** members shows who has roles on an instance, with search, sorting and paging. */
export function members(page: Page): View {
  const section = byId("members");
  const form = byId<HTMLFormElement>("members-search");
  const problem = section.querySelector<HTMLElement>(".problem")!;
  const list = new List<shape.Member>(byId("members-list"), columns, words, By.MEMBER_FIELD_NAME_CREATION_DATE, (error, signal) => {
    if (isAbort(error, signal) || isRefusedToken(error)) {
      page.failed(section, error, signal);
    } else {
      showErrors(form, problem, error, (path) => (path.startsWith("queries[") ? "text" : path));
    }
  });
  watchSearch(form, () => void list.begin());
  return {
    for: "both",
    show(session, instance, signal) {
      clearErrors(form, problem);
      byId("members-of").textContent = instance ? `Who has roles on the instance ${instance}` : "Who has roles on this instance";
      const source = sourceOf(session, instance, form);
      void list.show(async (wanted, each) => {
        const part = await source(wanted, each);
        clearErrors(form, problem);
        return part;
      }, signal);
    },
  };
}

// watchSearch searches a moment after the last key, and at once on Enter or where
// something is chosen.
function watchSearch(form: HTMLFormElement, search: () => void): void {
  let timer = 0;
  const now = () => {
    clearTimeout(timer);
    search();
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    now();
  });
  form.addEventListener("input", (event) => {
    clearTimeout(timer);
    if (event.target instanceof HTMLInputElement && event.target.type === "search") {
      timer = window.setTimeout(search, typing);
    } else {
      showMethods(form);
      now();
    }
  });
}

// An id is looked up as it is.
function showMethods(form: HTMLFormElement): void {
  const byUserId = control(form, "field").value === "userId";
  for (const name of ["method", "case"]) {
    control(form, name).disabled = byUserId;
  }
}

function sourceOf(session: Session, instance: string, form: HTMLFormElement): Source<shape.Member> {
  return async (wanted, signal) => {
    const request = {
      query: { limit: wanted.limit, asc: wanted.ascending },
      queries: queries(form),
      sortingColumn: wanted.order as shape.MemberFieldColumnName,
    };
    const { options, next } = paging(wanted.token, signal);
    const answer = instance
      ? await createClient(SystemService, session.transport).listIAMMembers({ ...request, instanceId: instance }, options)
      : await createClient(AdminService, session.transport).listIAMMembers(request, options);
    return { rows: answer.result, total: Number(answer.details?.totalResult ?? 0n), next: next() };
  };
}

function queries(form: HTMLFormElement) {
  const text = control(form, "text").value.trim();
  if (text === "") {
    return [];
  }
  const matchCase = (control(form, "case") as HTMLInputElement).checked;
  const name = `${control(form, "method").value}${matchCase ? "" : "_IGNORE_CASE"}`;
  const method = TextQueryMethod[name as keyof typeof TextQueryMethod];
  switch (control(form, "field").value) {
    case "firstName":
      return [{ query: { case: "firstNameQuery" as const, value: { firstName: text, method } } }];
    case "lastName":
      return [{ query: { case: "lastNameQuery" as const, value: { lastName: text, method } } }];
    case "email":
      return [{ query: { case: "emailQuery" as const, value: { email: text, method } } }];
    default:
      return [{ query: { case: "userIdQuery" as const, value: { userId: text } } }];
  }
}

function control(form: HTMLFormElement, name: string): HTMLInputElement | HTMLSelectElement {
  return form.elements.namedItem(name) as HTMLInputElement | HTMLSelectElement;
}

function name(member: shape.Member): HTMLElement {
  const kind = member.userType === user.Type.MACHINE ? "Machine" : "Person";
  const initials = (member.firstName.charAt(0) + member.lastName.charAt(0) || member.displayName.charAt(0)).toUpperCase();
  return el(
    "span",
    { class: "person" },
    el("span", { class: `initials ${kind.toLowerCase()}`, "aria-hidden": "true" }, initials),
    el("span", {}, el("strong", {}, member.displayName || member.preferredLoginName), el("small", {}, member.email || kind)),
  );
}
