import { errorCatalog, type ErrorCode } from "./errors/index.js";

/** A place the user can look at: a file with 1-based line and column, or a path inside a document. */
export interface ErrorPlace {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly path?: string;
}

/** What a BloomError may carry besides its code and its sentence. */
export interface ErrorExtras {
  /** What the reader should do next, one sentence. */
  readonly hint?: string;
  readonly where?: ErrorPlace;
  /** Machine-readable facts; never secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** An error as it travels in `--json` output and in API answers. */
export interface ErrorDocument {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  readonly where?: ErrorPlace;
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * Every failure a user can meet. `code` decides the HTTP status and the exit code (see `errorCatalog`);
 * `message` says what happened and where; `hint` says what to do next. Anything thrown that is not a
 * BloomError is a bug of ours and is reported as ERR_INTERNAL.
 */
export class BloomError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly where: ErrorPlace | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, message: string, extras: ErrorExtras = {}) {
    super(message, extras.cause === undefined ? undefined : { cause: extras.cause });
    this.name = "BloomError";
    this.code = code;
    this.hint = extras.hint ?? errorCatalog[code].hint;
    this.where = extras.where;
    this.details = extras.details;
  }

  /** HTTP status that the API answers with. */
  get status(): number {
    return errorCatalog[this.code].status;
  }

  /** Exit code that the CLI ends with. */
  get exitCode(): number {
    return errorCatalog[this.code].exit;
  }

  toDocument(): ErrorDocument {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(this.where === undefined ? {} : { where: this.where }),
      ...(this.details === undefined ? {} : { details: this.details }),
    };
  }
}

/** The same error with the app's name in the commands of its hint, which can then be copied. */
export function nameAppIn(error: ErrorDocument, app: string): ErrorDocument {
  if (error.hint === undefined) return error;
  const hint = error.hint.replace(/`bloom [^`]*`/g, (command) => command.replace(/(?<= )APP\b/, () => app));
  return { ...error, hint };
}

/** Rebuilds a BloomError from its document; an unknown code becomes ERR_INTERNAL with the same words. */
export function parseErrorDocument(document: unknown): BloomError {
  const fields =
    typeof document === "object" && document !== null ? (document as Record<string, unknown>) : {};
  const code =
    typeof fields["code"] === "string" && fields["code"] in errorCatalog ? fields["code"] : "ERR_INTERNAL";
  const message = typeof fields["message"] === "string" ? fields["message"] : "the answer had no message";
  return new BloomError(code as ErrorCode, message, {
    ...(typeof fields["hint"] === "string" ? { hint: fields["hint"] } : {}),
    ...(isRecord(fields["where"]) ? { where: fields["where"] } : {}),
    ...(isRecord(fields["details"]) ? { details: fields["details"] } : {}),
  });
}

/** Turns anything thrown into a BloomError; our own bugs become ERR_INTERNAL and keep their cause. */
export function toBloomError(thrown: unknown): BloomError {
  if (thrown instanceof BloomError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new BloomError("ERR_INTERNAL", message, { cause: thrown });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
