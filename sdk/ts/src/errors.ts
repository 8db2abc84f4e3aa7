import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { ViolationsSchema, type FieldPathElement } from "./gen/buf/validate/validate_pb.js";
import { ErrorDetailSchema } from "./gen/zitadel/v1/error_pb.js";

/** A field of a request that is not as it has to be. */
export interface Violation {
  /** The path of the field, such as `owner.human.email.address` or `queries[1].user_id_query`. */
  readonly field: string;
  /** The id of the rule, such as `string.min_len`. */
  readonly rule: string;
  /** A sentence for people; it may change. */
  readonly message: string;
}

/** What a call that failed throws, whatever the reason. */
export class BastideError extends Error {
  override readonly name = "BastideError";
  /** The kind of the error. */
  readonly code: Code;
  /** The id of the error, which stays for ever, such as `domain.taken`; empty if the error is not the server's. */
  readonly id: string;
  /** The fields that are not as they have to be; empty if it is not that. */
  readonly violations: readonly Violation[];

  constructor(message: string, code: Code, id = "", violations: readonly Violation[] = [], cause?: unknown) {
    super(message, { cause });
    this.code = code;
    this.id = id;
    this.violations = violations;
  }

  /** Returns the reason itself if it is a BastideError, else one made of it. */
  static from(reason: unknown): BastideError {
    if (reason instanceof BastideError) {
      return reason;
    }
    const error = ConnectError.from(reason);
    const detail = error.findDetails(ErrorDetailSchema)[0];
    const violations = error.findDetails(ViolationsSchema).flatMap((found) =>
      found.violations.map((violation) => ({
        field: path(violation.field?.elements ?? []),
        rule: violation.ruleId,
        message: violation.message,
      })),
    );
    return new BastideError(detail?.message || error.rawMessage, error.code, detail?.id, violations, error);
  }
}

function path(elements: readonly FieldPathElement[]): string {
  return elements
    .map(({ fieldName, subscript }) => {
      switch (subscript.case) {
        case undefined:
          return fieldName;
        case "stringKey":
          return `${fieldName}[${JSON.stringify(subscript.value)}]`;
        default:
          return `${fieldName}[${subscript.value}]`;
      }
    })
    .join(".");
}

/** Returns a transport whose calls fail with BastideError only. */
export function withErrors(transport: Transport): Transport {
  return {
    unary: (...call) => transport.unary(...call).catch(rethrow),
    stream: (...call) => transport.stream(...call).catch(rethrow),
  };
}

function rethrow(reason: unknown): never {
  throw BastideError.from(reason);
}
