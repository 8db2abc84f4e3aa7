// Where errors of the server are shown: beside the field that they are about, and
// the others in one place of their view, with code and id.
import { BastideError, Code } from "@bastide-id/client/web";
import { el, label } from "./dom.js";

// Errors that name no field of the request, but are about one.
const fieldOfId: Record<string, string> = {
  "domain.taken": "custom_domain",
};

type Control = HTMLInputElement | HTMLSelectElement;

/** isAbort tells whether the call ended because something newer took its place. */
export function isAbort(error: unknown, signal?: AbortSignal): boolean {
  return signal?.aborted === true || (error instanceof BastideError && error.code === Code.Canceled);
}

/** isRefusedToken tells whether the server does not know the token, or not any more. */
export function isRefusedToken(error: unknown): boolean {
  return error instanceof BastideError && error.code === Code.Unauthenticated;
}

/** isUnknownPage tells whether the server does not take the token of a page any more. */
export function isUnknownPage(error: unknown): boolean {
  return error instanceof BastideError && error.id === "list.page_token";
}

/** showProblem shows the error in the one place of its view, for which assistive technology is an alert. */
export function showProblem(place: HTMLElement, error: unknown): void {
  place.replaceChildren(el("p", {}, sentence(error)));
  if (error instanceof BastideError) {
    const id = error.id ? ` · ${error.id}` : "";
    place.append(el("p", { class: "code" }, label(Code[error.code].replace(/(?<=[a-z])(?=[A-Z])/g, " ")) + id));
  }
}

/** clearProblem empties the place. */
export function clearProblem(place: HTMLElement): void {
  place.replaceChildren();
}

/**
 * showErrors shows each violation of the error beside the field that has its path as
 * name (or what nameOf makes of the path), and what belongs to no field in the form's
 * own place. The first such field gets the focus.
 */
export function showErrors(form: HTMLFormElement, place: HTMLElement, error: unknown, nameOf = (path: string) => path): void {
  clearErrors(form, place);
  const rest: string[] = [];
  let first: Control | undefined;
  for (const [field, message] of messages(error)) {
    const control = controlOf(form, nameOf(field));
    if (!control) {
      rest.push(field ? `${field}: ${message}` : message);
      continue;
    }
    markInvalid(control, message);
    if (!first || control.compareDocumentPosition(first) & Node.DOCUMENT_POSITION_FOLLOWING) {
      first = control;
    }
  }
  if (!first) {
    showProblem(place, error);
  } else if (rest.length > 0) {
    place.replaceChildren(...rest.map((text) => el("p", {}, capital(text))));
  }
  first?.focus();
}

/** clearErrors takes away what showErrors showed. */
export function clearErrors(form: HTMLFormElement, place: HTMLElement): void {
  clearProblem(place);
  for (const control of form.querySelectorAll<Control>("[aria-invalid]")) {
    clearError(control);
  }
}

/** markInvalid shows the message in place of the field's hint. */
export function markInvalid(control: Control, message: string): void {
  const note = noteOf(control);
  note.dataset.hint ??= note.textContent ?? "";
  note.textContent = note.dataset.wrong = capital(message);
  control.setAttribute("aria-invalid", "true");
}

/** clearError gives the field its hint back. */
export function clearError(control: Control): void {
  const note = noteOf(control);
  note.textContent = note.dataset.hint ?? "";
  delete note.dataset.wrong;
  control.removeAttribute("aria-invalid");
}

// messages pairs what is wrong with the path of its field; "" is for none.
function messages(error: unknown): [field: string, message: string][] {
  if (!(error instanceof BastideError)) {
    return [["", sentence(error)]];
  }
  if (error.violations.length > 0) {
    return error.violations.map((violation) => [violation.field, violation.message]);
  }
  return [[fieldOfId[error.id ?? ""] ?? "", error.message]];
}

// controlOf finds the field for the path; for the path of a message, the first of
// its fields.
function controlOf(form: HTMLFormElement, path: string): Control | null {
  if (!path) {
    return null;
  }
  const name = CSS.escape(path);
  return form.querySelector<Control>(`[name="${name}"]`) ?? form.querySelector<Control>(`[name^="${name}."]`);
}

function noteOf(control: Control): HTMLElement {
  const note = document.getElementById(control.getAttribute("aria-describedby") ?? "");
  if (!note) {
    throw new Error(`index.html has no note for the field ${control.name}`);
  }
  return note;
}

function sentence(error: unknown): string {
  return capital(error instanceof Error ? error.message : String(error));
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
