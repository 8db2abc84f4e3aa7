// What the views build their parts of the page with.
import { timestampDate } from "@bastide-id/client/web";

type Child = Node | string | undefined;

/** el makes an element with attributes (true is present, false and undefined are absent) and children. */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Record<string, string | boolean | undefined> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/** byId returns the element of index.html with the id. */
export function byId<Element extends HTMLElement = HTMLElement>(id: string): Element {
  const element = document.getElementById(id);
  if (!element) {
    throw new Error(`index.html has no element ${id}`);
  }
  return element as Element;
}

/** announce lets a screen reader say the sentence; a repeated one too. */
export function announce(sentence: string): void {
  const announcer = byId("announcer");
  announcer.replaceChildren(el("span", {}, sentence));
}

/** facts makes a list of names and values; values that are missing are left out. */
export function facts(values: Record<string, Child>): HTMLElement {
  const list = el("dl");
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== "") {
      list.append(el("div", {}, el("dt", {}, name), el("dd", {}, value)));
    }
  }
  return list;
}

/** pills makes a row of short texts; nothing of none. */
export function pills(texts: string[]): HTMLElement | undefined {
  return texts.length === 0 ? undefined : el("ul", { class: "pills" }, ...texts.map((text) => el("li", {}, text)));
}

/** copyButton makes a button that copies the text, and says that it did. */
export function copyButton(text: string, what: string): HTMLButtonElement {
  const button = el("button", { type: "button", class: "quiet", "aria-label": `Copy ${what}` }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
      announce(`Copied ${what}`);
    } catch {
      announce(`The browser does not allow to copy: select ${what} and copy it yourself`);
    }
  });
  return button;
}

const dates = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const times = new Intl.DateTimeFormat(undefined, { dateStyle: "long", timeStyle: "medium" });

/** moment shows a time of the server as a date, with the time of day as its title. */
export function moment(time: Parameters<typeof timestampDate>[0] | undefined): HTMLElement | undefined {
  if (!time) {
    return undefined;
  }
  const date = timestampDate(time);
  return el("time", { datetime: date.toISOString(), title: times.format(date) }, dates.format(date));
}

/** label makes words of the name of an enum's value, of which the first is capital. */
export function label(name: string | undefined): string {
  const words = (name ?? "unknown").toLowerCase().replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
