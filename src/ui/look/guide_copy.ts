// The words of the guide.

import type { GuideStep } from '../../state/guide';
import { pageName } from '../controls';

/** Everything that the guide says. */
export const GUIDE_COPY = {
  summary: (done: number, all: number) => `Guide: ${done} of ${all}`,
  done: 'done',
  steps: {
    watch: {
      title: 'Watch it look back',
      how: 'Let the recording play to its end: the model counts, looks at the picture again, and corrects itself.',
    },
    pick: {
      title: 'Pick a step',
      how: 'Press a word of the answer, or a place of the chart: the picture shows where the model looked just then.',
    },
    ask: {
      title: 'Ask about a picture',
      how: 'Take an example, drop a picture of your own, or draw a sheet; then press Ask.',
    },
    teach: {
      title: 'Teach it, in ten minutes',
      how: `Start a run on ${pageName('train')}, and watch its answers change.`,
    },
  } satisfies Record<GuideStep, { title: string; how: string }>,
  over: 'That was all of it.',
  dismiss: 'Put the guide away',
  back: 'It comes back from the list of keys.',
  again: 'Show the guide',
} as const;
