// The instances of the installation, to a system user.
import { createClient } from "@bastide-id/client/web";
import { instance as shape, SystemService } from "@bastide-id/client/v1";
import { byId, el, label, moment, pills } from "./dom.js";
import { clearProblem } from "./faults.js";
import { type Column, List } from "./list.js";
import { paging } from "./paging.js";
import type { Page, View } from "./view.js";

const By = shape.FieldName;

const columns: Column<shape.Instance>[] = [
  { title: "Name", order: By.NAME, cell: ({ id, name }) => el("a", { href: `#/members/${id}` }, el("strong", {}, name)) },
  { title: "Domains", cell: ({ domains }) => pills(domains.map(({ domain }) => domain)) },
  { title: "State", cell: ({ state }) => label(shape.State[state]) },
  { title: "Id", order: By.ID, cell: ({ id }) => el("code", {}, id) },
  { title: "Added", order: By.CREATION_DATE, cell: ({ details }) => moment(details?.creationDate) },
];

const words = { caption: "Instances of the installation", one: "instance", many: "instances", none: "There is no instance." };

/** instances shows the tenants; the name of each leads to its members. */
export function instances(page: Page): View {
  const section = byId("instances");
  const list = new List<shape.Instance>(byId("instances-list"), columns, words, By.CREATION_DATE, (error, signal) =>
    page.failed(section, error, signal),
  );
  return {
    for: "system",
    show({ transport }, _, signal) {
      const client = createClient(SystemService, transport);
      void list.show(async (wanted, each) => {
        const { options, next } = paging(wanted.token, each);
        const query = { limit: wanted.limit, asc: wanted.ascending };
        const answer = await client.listInstances({ query, sortingColumn: wanted.order as shape.FieldName }, options);
        clearProblem(section.querySelector<HTMLElement>(".problem")!);
        return { rows: answer.result, total: Number(answer.details?.totalResult ?? 0n), next: next() };
      }, signal);
    },
  };
}
