// Reads parsed JSON (a config, a dataset row) by typed getters whose errors name the file and the full key. A value
// is returned only after its type and range were checked; a caller states at each key whether it may be absent.

/** Makes the error to throw: a message that already names file and key. */
export type JsonFailure = (message: string, key: string) => Error;

/** Bounds of an integer, inclusive; the default keeps sizes sane enough that products stay exact. */
export interface IntegerRange {
  readonly min?: number;
  readonly max?: number;
}

const MAX_SIZE = 2 ** 31 - 1;

/** A JSON object with the path that leads to it. All getters throw `failure(...)` on a wrong type. */
export class JsonReader {
  readonly path: string;
  private readonly value: Readonly<Record<string, unknown>>;
  private readonly file: string;
  private readonly failure: JsonFailure;

  constructor(value: unknown, file: string, failure: JsonFailure, path = '') {
    this.file = file;
    this.failure = failure;
    this.path = path;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw failure(`${file}: ${path === '' ? 'the file' : path} must be a JSON object`, path);
    }
    this.value = value as Record<string, unknown>;
  }

  private name(key: string): string {
    return this.path === '' ? key : `${this.path}.${key}`;
  }

  /** Throws: `key` of this object is wrong; `reason` completes "<file>: <key> …". */
  fail(key: string, reason: string): never {
    throw this.failure(`${this.file}: ${this.name(key)} ${reason}`, this.name(key));
  }

  /** Whether the key is present with a value other than null. */
  has(key: string): boolean {
    return Object.hasOwn(this.value, key) && this.value[key] !== null && this.value[key] !== undefined;
  }

  /** The raw value; null and absent are both undefined. */
  raw(key: string): unknown {
    return this.has(key) ? this.value[key] : undefined;
  }

  private required(key: string, kind: string): unknown {
    if (!this.has(key)) this.fail(key, `is missing; it must be ${kind}`);
    return this.value[key];
  }

  /** A nested object. */
  object(key: string): JsonReader {
    const value = this.required(key, 'an object');
    return new JsonReader(value, this.file, this.failure, this.name(key));
  }

  /** An integer in range; by default from 0 to 2^31 - 1. */
  integer(key: string, range: IntegerRange = {}): number {
    return this.checkInteger(key, this.required(key, 'an integer'), range);
  }

  /** A finite number, optionally strictly positive. */
  number(key: string, positive = false): number {
    const value = this.required(key, 'a number');
    if (typeof value !== 'number' || !Number.isFinite(value) || (positive && value <= 0)) {
      this.fail(key, `must be a ${positive ? 'positive ' : ''}number, not ${JSON.stringify(value)}`);
    }
    return value;
  }

  /** A string. */
  string(key: string): string {
    const value = this.required(key, 'a string');
    if (typeof value !== 'string') this.fail(key, `must be a string, not ${JSON.stringify(value)}`);
    return value;
  }

  /** A boolean. */
  boolean(key: string): boolean {
    const value = this.required(key, 'true or false');
    if (typeof value !== 'boolean') this.fail(key, `must be true or false, not ${JSON.stringify(value)}`);
    return value;
  }

  /** A list of integers in range. */
  integers(key: string, range: IntegerRange = {}): number[] {
    const value = this.required(key, 'a list of integers');
    if (!Array.isArray(value)) this.fail(key, 'must be a list of integers');
    return value.map((item) => this.checkInteger(key, item, range));
  }

  /** A list of finite numbers of the given length. */
  numbers(key: string, length: number): number[] {
    const value = this.required(key, 'a list of numbers');
    const good =
      Array.isArray(value) &&
      value.length === length &&
      value.every((item) => typeof item === 'number' && Number.isFinite(item));
    if (!good) this.fail(key, `must be a list of ${length} numbers`);
    return value as number[];
  }

  private checkInteger(key: string, value: unknown, range: IntegerRange): number {
    const min = range.min ?? 0;
    const max = range.max ?? MAX_SIZE;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
      this.fail(key, `must be an integer from ${min} to ${max}, not ${JSON.stringify(value)}`);
    }
    return value;
  }
}
