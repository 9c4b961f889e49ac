// Defines the error classes of the whole product. Every failure that a caller may want to tell apart, or that the
// page turns into words, is a LookBackError with one of the stable codes of error_codes.ts.

import type { CommandErrorCode, ErrorCode, ErrorCodeOf } from './error_codes';

/** Details that travel with an error through structured clone: names, numbers, short lists. */
export type ErrorData = Readonly<Record<string, unknown>>;

/** Base of all deliberate errors. `code` is stable, `message` names the file, row or field and says what to do. */
export class LookBackError extends Error {
  readonly code: ErrorCode | CommandErrorCode;
  readonly data?: ErrorData;

  constructor(code: ErrorCode | CommandErrorCode, message: string, data?: ErrorData, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    if (data !== undefined) this.data = data;
  }
}

/** Operands whose shapes, dtypes or offsets do not fit together. Code `tensor/shape`. */
export class ShapeError extends LookBackError {
  constructor(message: string, data?: ErrorData) {
    super('tensor/shape', message, data);
  }
}

/** Something is wrong with a checkpoint, a config or a tokenizer. Codes `model/...`. */
export class ModelError extends LookBackError {
  constructor(code: ErrorCodeOf<'model'>, message: string, data?: ErrorData, cause?: unknown) {
    super(code, message, data, cause);
  }
}

/** Something is wrong with an image, a dataset or other input that people supply. Codes `data/...`. */
export class DataError extends LookBackError {
  constructor(
    code: ErrorCodeOf<'data'> | CommandErrorCode,
    message: string,
    data?: ErrorData,
    cause?: unknown,
  ) {
    super(code, message, data, cause);
  }
}

/** What is kept on this device cannot be read or written, or an archive cannot be unpacked. Codes `storage/...`. */
export class StorageError extends LookBackError {
  constructor(code: ErrorCodeOf<'storage'>, message: string, data?: ErrorData, cause?: unknown) {
    super(code, message, data, cause);
  }
}

/** The GPU, its limits, a shader or a submit failed. Codes `gpu/...`. */
export class GpuError extends LookBackError {
  constructor(code: ErrorCodeOf<'gpu'>, message: string, data?: ErrorData, cause?: unknown) {
    super(code, message, data, cause);
  }
}

/** A caller asked for something that an API does not allow: an option out of range. Code `usage/argument`. */
export class ArgumentError extends LookBackError {
  constructor(message: string, data?: ErrorData) {
    super('usage/argument', message, data);
  }
}

/** Our own bug: a condition that the code guarantees did not hold. Code `internal/invariant`. */
export class InvariantError extends LookBackError {
  constructor(message: string, data?: ErrorData) {
    super('internal/invariant', message, data);
  }
}
