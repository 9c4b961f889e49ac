// Declares what words for an error consist of: what happened, why, what can be done, and which action the page offers.
// The tables of words are error_copy_engine.ts, error_copy_models.ts, error_copy_data.ts and error_copy_runs.ts.

import type { ErrorCode } from '../lib/error_codes';
import type { PlainError } from '../lib/plain_error';
import { control, pageName } from './controls';
import type { ErrorLink } from './hub_help';

/** What a notice offers to do about an error. */
export type ErrorAction =
  | 'retry'
  | 'restart'
  | 'ask-again'
  | 'reload'
  | 'open-library'
  | 'open-train'
  | 'open-data'
  | 'open-models'
  | 'none';

/** Words for one error: what happened, why if known, what can be done. */
export interface ErrorCopy {
  readonly title: string;
  readonly why: string;
  /** Things to try, in order. */
  readonly steps: readonly string[];
  readonly action: ErrorAction;
  /** A page elsewhere that helps. */
  readonly link?: ErrorLink;
}

/** Words for each of some codes, made from the error; a code without words does not compile. */
export type ErrorWords<Code extends ErrorCode> = Readonly<Record<Code, (error: PlainError) => ErrorCopy>>;

/** How to get room for what did not fit. */
export const ROOM = `On ${pageName('library')}, press ${control('exportAdapter')} for adapters to keep and ${control('deleteStored')} for adapters and runs that you do not need; for datasets, press ${control('deleteDataset')} on ${pageName('data')}.`;

/** What to do about a fault of the program itself. */
export const REPORT = `Report it with what stands under ${control('details')}.`;

/** Words with a reason of their own. */
export function copy(title: string, why: string, steps: readonly string[], action: ErrorAction): ErrorCopy {
  return { title, why, steps, action };
}

/** Words whose reason is the engine's sentence, which names the file, row or field. */
export function said(
  title: string,
  steps: readonly string[],
  action: ErrorAction = 'none',
): (error: PlainError) => ErrorCopy {
  return (error) => copy(title, error.message, steps, action);
}

/** A number or text that travels with the error; `?` where it is missing. */
export function detail(error: PlainError, key: string): string {
  const value = error.data?.[key];
  return typeof value === 'number' ? value.toLocaleString('en') : typeof value === 'string' ? value : '?';
}
