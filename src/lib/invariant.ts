// Assertions about our own code. For bad input use a ModelError, DataError or ShapeError instead:
// a failed invariant always means a bug in this repository, and its message is written for developers.
import { InvariantError } from './errors';

/** Throws InvariantError with `message` unless `condition` holds; narrows types for the compiler. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** Returns `value`, or throws InvariantError naming `what` when it is null or undefined. */
export function defined<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new InvariantError(`${what} is missing`);
  return value;
}

/** The element at an index that the code guarantees to be there. */
export function itemAt<T>(values: ArrayLike<T>, index: number): T {
  const value = values[index];
  if (value === undefined) throw new InvariantError(`${values.length} values have none at ${index}`);
  return value;
}

/** For the default branch of a switch over a union: compile error when a case is forgotten. */
export function unreachable(value: never, what: string): never {
  throw new InvariantError(`unexpected ${what}: ${String(value)}`);
}
