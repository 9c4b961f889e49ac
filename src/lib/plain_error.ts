// Turns whatever was thrown into a plain error that survives structured clone: what crosses from the Worker to the page,
// and what the page shows.

import { type ErrorCode, isErrorCode } from './error_codes';

/** An error as data. `code` is stable; the page maps it to words and an action. */
export interface PlainError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/**
 * Keeps the code, message and data of our own errors and of those that crossed already. An abort becomes
 * `engine/cancelled`, anything else, with a code of a system's or a library's too, `internal/unknown`.
 */
export function plainError(thrown: unknown): PlainError {
  if (thrown instanceof DOMException && thrown.name === 'AbortError') {
    return { code: 'engine/cancelled', message: 'Cancelled.' };
  }
  if (typeof thrown !== 'object' || thrown === null) {
    return { code: 'internal/unknown', message: String(thrown) };
  }
  const { code, message, data }: { code?: unknown; message?: unknown; data?: unknown } = thrown;
  const text = typeof message === 'string' ? message : 'An unknown error was thrown.';
  if (!isErrorCode(code)) return { code: 'internal/unknown', message: text };
  return typeof data === 'object' && data !== null
    ? { code, message: text, data: cloneable(data) }
    : { code, message: text };
}

/** Details may hold anything; a function, which structured clone cannot carry, becomes text. */
function cloneable(data: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, typeof value === 'function' ? String(value) : value]),
  );
}
