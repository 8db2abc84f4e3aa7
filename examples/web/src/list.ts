// A table that is read page by page, and sorted by the columns that allow it.
import { announce, el } from "./dom.js";
import { isUnknownPage } from "./faults.js";

/** Column is one of the table; without an order the rows cannot be sorted by it. */
export interface Column<Row> {
  title: string;
  order?: number;
  cell: (row: Row) => Node | string | undefined;
}

/** Page says which part of a list to read; the first page has no token. */
export interface Page {
  limit: number;
  token: string;
  order: number;
  ascending: boolean;
}

/** Part is the part of a list that was read; next is empty at the end. */
export interface Part<Row> {
  rows: Row[];
  total: number;
  next: string;
}

/** Source reads a part of the list. */
export type Source<Row> = (page: Page, signal: AbortSignal) => Promise<Part<Row>>;

interface Words {
  caption: string;
  one: string;
  many: string;
  none: string;
}

const sizes = [10, 25, 50];

/** List shows the rows of a source. A newer read aborts an older one. */
export class List<Row> {
  private readonly head = el("tr", { role: "row" });
  private readonly body = el("tbody", { role: "rowgroup" });
  private readonly table: HTMLTableElement;
  private readonly frame: HTMLElement;
  private readonly range = el("p", { class: "range" });
  private readonly previous = el("button", { type: "button" }, "Previous");
  private readonly next = el("button", { type: "button" }, "Next");
  private readonly size = el("select");
  private tokens = [""]; // of the pages up to this one
  private after = "";
  private running = new AbortController();
  private source: Source<Row> | undefined;
  private whole: AbortSignal | undefined;
  private order: number;
  private ascending = false;

  constructor(
    root: HTMLElement,
    private readonly columns: Column<Row>[],
    private readonly words: Words,
    order: number,
    private readonly failed: (error: unknown, signal: AbortSignal) => void,
  ) {
    this.order = order;
    this.table = el(
      "table",
      { role: "table" },
      el("caption", { class: "hidden" }, words.caption),
      el("thead", { role: "rowgroup" }, this.head),
      this.body,
    );
    this.frame = el("div", { class: "frame" }, this.table);
    this.head.append(...columns.map((column) => this.heading(column)));
    this.size.id = `${root.id}-size`;
    this.size.append(...sizes.map((size) => el("option", { value: String(size) }, String(size))));
    const rows = el("label", { for: this.size.id }, "Rows");
    root.append(
      this.frame,
      el("div", { class: "pager" }, this.range, el("div", { class: "size" }, rows, this.size), el("nav", { "aria-label": `Pages of ${words.many}` }, this.previous, this.next)),
    );
    this.size.addEventListener("change", () => this.begin());
    this.previous.addEventListener("click", () => this.turn(this.previous, this.tokens.slice(0, -1)));
    this.next.addEventListener("click", () => this.turn(this.next, [...this.tokens, this.after]));
    this.showOrder();
  }

  /** show reads the first page of a source, until the signal says that nobody looks any more. */
  show(source: Source<Row>, signal: AbortSignal): Promise<void> {
    this.source = source;
    this.whole = signal;
    this.body.replaceChildren(this.placeholder());
    this.range.textContent = "";
    this.enable(false, false);
    return this.begin();
  }

  /** begin reads from the first page, as after another search. */
  begin(): Promise<void> {
    return this.read([""]);
  }

  // read reads the page of the last token; the others lead back.
  private async read(tokens: string[]): Promise<void> {
    if (!this.source || !this.whole) {
      return;
    }
    this.running.abort();
    this.running = new AbortController();
    const signal = AbortSignal.any([this.running.signal, this.whole]);
    this.frame.setAttribute("aria-busy", "true");
    const limit = Number(this.size.value);
    const page = { limit, token: tokens.at(-1) ?? "", order: this.order, ascending: this.ascending };
    try {
      const part = await this.source(page, signal);
      signal.throwIfAborted();
      this.tokens = tokens;
      this.render(part, limit * (tokens.length - 1));
      this.frame.removeAttribute("aria-busy");
    } catch (error) {
      if (tokens.length > 1 && isUnknownPage(error)) {
        return this.begin();
      }
      if (!signal.aborted) {
        this.frame.removeAttribute("aria-busy");
        this.body.querySelector(".placeholder")?.replaceWith(this.sentence("Nothing could be read."));
      }
      this.failed(error, signal);
    }
  }

  private render(part: Part<Row>, before: number): void {
    this.after = part.next;
    if (part.rows.length === 0) {
      this.body.replaceChildren(this.sentence(this.words.none));
    } else {
      this.body.replaceChildren(...part.rows.map((row) => this.row(row)));
    }
    const what = part.total === 1 ? this.words.one : this.words.many;
    const shown = part.rows.length === 0 ? "" : `${before + 1}–${before + part.rows.length} of `;
    this.range.textContent = `${shown}${part.total} ${what}`;
    this.enable(this.tokens.length > 1, part.next !== "");
    announce(this.range.textContent);
  }

  private row(row: Row): HTMLElement {
    const cells = this.columns.map((column) => el("td", { role: "cell", "data-label": column.title }, column.cell(row) ?? "–"));
    return el("tr", { role: "row" }, ...cells);
  }

  private sentence(text: string): HTMLElement {
    return el("tr", { role: "row", class: "empty" }, el("td", { role: "cell", colspan: String(this.columns.length) }, text));
  }

  private placeholder(): HTMLElement {
    const row = this.sentence("Loading…");
    row.classList.add("placeholder");
    return row;
  }

  private heading(column: Column<Row>): HTMLElement {
    const cell = el("th", { scope: "col", role: "columnheader" });
    if (column.order === undefined) {
      cell.append(column.title);
      return cell;
    }
    const order = column.order;
    const button = el("button", { type: "button", "data-order": String(order) }, column.title);
    button.addEventListener("click", () => {
      this.ascending = this.order === order ? !this.ascending : true;
      this.order = order;
      this.showOrder();
      void this.begin();
    });
    cell.append(button);
    return cell;
  }

  private showOrder(): void {
    for (const button of this.head.querySelectorAll("button")) {
      const here = Number(button.dataset.order) === this.order;
      const cell = button.closest("th")!;
      if (here) {
        cell.setAttribute("aria-sort", this.ascending ? "ascending" : "descending");
      } else {
        cell.removeAttribute("aria-sort");
      }
    }
  }

  // A button that cannot be used keeps the focus that it may have.
  private enable(previous: boolean, next: boolean): void {
    this.previous.setAttribute("aria-disabled", String(!previous));
    this.next.setAttribute("aria-disabled", String(!next));
  }

  private turn(button: HTMLElement, tokens: string[]): void {
    if (button.getAttribute("aria-disabled") !== "true" && !this.frame.hasAttribute("aria-busy")) {
      void this.read(tokens);
    }
  }
}
