// The words of the questions of this visit.

import { MOST_KEPT } from '../../state/look_history';

/** Everything that the strip says. */
export const HISTORY_COPY = {
  empty: 'The questions of this visit will be here, each with its answer.',
  list: 'Questions of this visit, the newest first',
  bringBack: (question: string, verdict: string, compared: boolean) =>
    `Show again${compared ? ', base and adapter' : ''}: ${question}${verdict === '' ? '' : `, ${verdict}`}`,
  right: 'right',
  wrong: 'wrong',
  clear: 'Clear',
  cleared: (count: number) => `${count === 1 ? 'One question was' : `${count} questions were`} cleared.`,
  undo: 'Undo',
  kept: `The last ${MOST_KEPT} are kept until the page is closed, on this device alone.`,
} as const;
