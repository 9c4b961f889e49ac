// Holds the words for what goes wrong with a run or a command: what happened, why, and what helps.

import type { ErrorCode } from '../../lib/error_codes';
import type { PlainError } from '../../lib/plain_error';
import { control } from '../controls';
import { errorCopy } from '../error_copy';
import { ROOM } from '../error_words';
import { planField } from './train_copy';

/** Words for an error of a run or a command: what happened and what helps. */
export interface TrainErrorCopy {
  readonly title: string;
  readonly why: string;
  /** Things to try, where the reason does not say them. */
  readonly steps?: readonly string[];
}

const ERRORS: Readonly<Partial<Record<ErrorCode, (error: PlainError) => TrainErrorCopy>>> = {
  'train/busy': () => ({
    title: 'Another run is under way',
    why: `One run trains at a time. Press ${control('pause')} or ${control('stop')} first; it may be in another tab.`,
  }),
  'train/not-finite': (error) => ({
    title: 'Paused: the numbers blew up',
    why: `${error.message} The adapter is kept as it was at the last good checkpoint. A lower learning rate usually helps.`,
  }),
  'train/model': (error) => ({
    title: 'The model of this plan is not loaded',
    why: `${error.message} Choose it under ${control('model')} in the bar at the top, or another under ${control('baseModel')}.`,
  }),
  'train/memory': (error) => ({ title: 'This plan does not fit into memory', why: error.message }),
  'gpu/out-of-memory': () => ({
    title: 'The graphics device ran out of memory',
    why: `Go on from the last checkpoint after closing other tabs, or plan again with less under ${planField('tokensPerMicroBatch')}.`,
  }),
  'gpu/device-lost': () => ({
    title: 'The graphics device was reset',
    why: 'The browser or the driver took it away. Nothing is lost up to the last checkpoint.',
  }),
  'gpu/no-adapter': () => ({
    title: 'No graphics device came back',
    why: `The run is kept at its last checkpoint. Reload the page, or restart the browser, and press ${control('resume')}.`,
  }),
  'worker/crashed': () => ({
    title: 'The engine stopped',
    why: `The run is kept at its last checkpoint. Start the engine again and press ${control('resume')}.`,
  }),
  'storage/full': (error) => ({
    title: 'Storage is full',
    why: `${error.message} ${ROOM} Then press ${control('resume')}; the last checkpoint is kept.`,
  }),
};

/** Words for an error; codes without an entry here get the page's general ones. */
export function trainErrorCopy(error: PlainError): TrainErrorCopy {
  const entry = ERRORS[error.code];
  if (entry !== undefined) return entry(error);
  const { title, why, steps } = errorCopy(error);
  return { title, why, steps };
}
