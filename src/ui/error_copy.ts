// Gives every error its words: what happened, why, what can be done, and which action the page offers. Codes come from
// lib/error_codes.ts; the tables by area are in the files beside this one.

import type { ErrorCode } from '../lib/error_codes';
import type { PlainError } from '../lib/plain_error';
import { DATA_ERRORS } from './error_copy_data';
import { ENGINE_ERRORS } from './error_copy_engine';
import { MODEL_ERRORS } from './error_copy_models';
import { RUN_ERRORS } from './error_copy_runs';
import type { ErrorAction, ErrorCopy, ErrorWords } from './error_words';

/** Labels of the actions; `none` has no button. */
export const ACTION_LABELS: Record<Exclude<ErrorAction, 'none'>, string> = {
  retry: 'Try again',
  restart: 'Start the engine again',
  'ask-again': 'Ask again',
  reload: 'Reload the page',
  'open-library': 'See what is stored',
  'open-train': 'Go to the run',
  'open-data': 'Go to the datasets',
  'open-models': 'See the models',
};

/** Words for each error code, made from the error. */
export const ERROR_CATALOGUE: ErrorWords<ErrorCode> = {
  ...ENGINE_ERRORS,
  ...MODEL_ERRORS,
  ...DATA_ERRORS,
  ...RUN_ERRORS,
};

/** Words for an error; a code that another version of the page stored gets those of an unknown fault. */
export function errorCopy(error: PlainError): ErrorCopy {
  const words = ERROR_CATALOGUE[error.code] ?? ERROR_CATALOGUE['internal/unknown'];
  return words(error);
}

/** What goes to the clipboard: everything a report needs, and nothing of the picture or the question. */
export function errorDetails(error: PlainError, context: Readonly<Record<string, string>>): string {
  const lines = [`code: ${error.code}`, `message: ${error.message}`];
  if (error.data !== undefined) lines.push(`data: ${JSON.stringify(error.data)}`);
  for (const [key, value] of Object.entries(context)) lines.push(`${key}: ${value}`);
  return lines.join('\n');
}
