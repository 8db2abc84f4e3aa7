import { ConnectError, type CallOptions, type Interceptor } from "@connectrpc/connect";

const organizationHeader = "x-zitadel-orgid";
const positionHeader = "x-bastide-position";

/**
 * Returns options for one call that acts in the organization, whatever the transport was
 * told. An empty id stands for the caller's own.
 */
export function inOrganization(id: string, options: CallOptions = {}): CallOptions {
  const headers = new Headers(options.headers);
  headers.set(organizationHeader, id);
  return { ...options, headers };
}

/** Chooses the organization for calls that choose none themselves. */
export function chooseOrganization(id: string): Interceptor {
  return (next) => (request) => {
    if (!request.header.has(organizationHeader)) {
      request.header.set(organizationHeader, id);
    } else if (request.header.get(organizationHeader) === "") {
      request.header.delete(organizationHeader);
    }
    return next(request);
  };
}

/**
 * Sends back the position of the answer that came last, so that whoever answers next,
 * be it another process, has seen what all answers before it told of: also those to
 * writes that overlapped, through whichever processes.
 */
export function carryPosition(): Interceptor {
  let position: string | null = null;
  const note = (...places: Headers[]) => {
    for (const headers of places) {
      position = headers.get(positionHeader) ?? position;
    }
  };
  return (next) => async (request) => {
    if (position !== null) {
      request.header.set(positionHeader, position);
    }
    try {
      const response = await next(request);
      note(response.header, response.trailer);
      return response;
    } catch (reason) {
      // A call can fail after it has changed something.
      note(ConnectError.from(reason).metadata);
      throw reason;
    }
  };
}
