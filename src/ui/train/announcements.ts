// Words what the Train page's live region says: one sentence for a change of a run's state, an evaluation, something
// saved or deleted; never for a step.

import { formatBytes } from '../../lib/format';
import type { TrainNews } from '../../state/train_live';
import { TRAIN_COPY } from './train_copy';

/** The sentence for a piece of news; empty when there is none. */
export function announcement(news: TrainNews | null): string {
  const words = TRAIN_COPY.announce;
  if (news === null) return '';
  switch (news.kind) {
    case 'state':
      return words.state(TRAIN_COPY.states[news.state], news.step, news.of);
    case 'evaluated':
      return words.evaluated(news.step, news.correct, news.of);
    case 'saved':
      return words.saved(news.name);
    case 'deleted':
      return words.deleted(formatBytes(news.bytes));
  }
}
