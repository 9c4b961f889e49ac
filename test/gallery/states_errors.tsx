// The states of errors: every code of the catalogue as a notice, as a line of the dock, and as a run's own reason.

import { ERROR_CODES, type ErrorCode } from '../../src/lib/error_codes';
import type { PlainError } from '../../src/lib/plain_error';
import { Notice } from '../../src/ui/notice';
import { ErrorNote } from '../../src/ui/train/failure_note';
import '../../src/ui/styles/train.css';
import { shelf } from '../ui/page_state';
import type { GalleryState } from './gallery_state';

/** What the engine may say, with the details that some words read. */
function errorOf(code: ErrorCode): PlainError {
  const page = 'https://huggingface.co/organisation/name';
  const data = { name: 'maxBufferSize', need: 2 ** 32, have: 2 ** 28, page };
  const message = 'picture_of_a_long_name.png, row 12: the engine’s own sentence about what went wrong.';
  return { code, message, data };
}

const ERRORS = ERROR_CODES.map(errorOf);

function state(name: string, draw: () => preact.ComponentChildren): GalleryState {
  const make = async () => ({ ...(await shelf()), draw });
  // On the Models page, as some actions lead to the others.
  return { name, page: 'models', make };
}

/** All errors in each of their forms. */
export const ERROR_STATES: readonly GalleryState[] = [
  state('errors/notices', () => (
    <>
      <h1>Errors</h1>
      {ERRORS.map((error) => (
        <Notice key={error.code} error={error} retry={() => undefined} dismiss={() => undefined} />
      ))}
    </>
  )),
  state('errors/lines', () => (
    <>
      <h1>Errors in one line</h1>
      {ERRORS.map((error) => (
        <Notice key={error.code} error={error} line />
      ))}
    </>
  )),
  state('errors/runs', () => (
    <>
      <h1>Errors of runs</h1>
      <h2>Reasons</h2>
      {ERRORS.map((error) => (
        <ErrorNote key={error.code} error={error} />
      ))}
    </>
  )),
];
