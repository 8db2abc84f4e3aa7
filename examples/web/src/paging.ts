// The tokens of pages travel as headers: a page is read on behind the last row of the
// one before, so rows that come or go do not move the others.
import type { CallOptions } from "@bastide-id/client/web";

/** Paging holds the options of a call for one page, and the token of the page after it. */
export interface Paging {
  options: CallOptions;
  /** next is empty until the call was answered, and at the end of the list. */
  next: () => string;
}

/** paging asks for the page of the token; the first one has none. */
export function paging(token: string, signal: AbortSignal): Paging {
  let next = "";
  return {
    options: {
      signal,
      headers: token ? { "X-Bastide-Page-Token": token } : {},
      onHeader: (headers) => {
        next = headers.get("X-Bastide-Next-Page-Token") ?? "";
      },
    },
    next: () => next,
  };
}
