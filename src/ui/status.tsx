// Announces to screen readers, in the page's only live region, what happens at segment boundaries, and repeats the
// sentence of a pinned selection. It is silent per token, and never says the same sentence twice in a row.

import { useComputed, useSignal, useSignalEffect } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Card } from '../state/segment_layout';
import type { Session } from '../state/session';
import { COPY } from './copy';
import { useLibrary, useLook } from './look/look_context';

/** Milliseconds that a selection must rest before it is read out, so that scrubbing stays quiet. */
const REST = 250;

/** What the answer's progress amounts to, as one short sentence; changes at segment boundaries only. */
export function progressSentence(look: {
  readonly session: { readonly value: Session };
  readonly cards: { readonly value: readonly Card[] };
}): string {
  const { answer, deviceTrouble } = look.session.value;
  if (deviceTrouble !== null) return COPY.trouble[deviceTrouble];
  if (answer === null) return '';
  if (answer.status === 'interrupted' || answer.status === 'failed') return COPY.announce.interrupted;
  if (answer.status === 'finished') {
    const boxed = answer.result?.answer;
    if (answer.result?.stats.finishReason === 'stopped') return COPY.announce.stopped;
    return boxed ? COPY.announce.answer(boxed) : COPY.announce.finished;
  }
  const kind = look.cards.value.at(-1)?.kind;
  // The answer is read out when it is complete, not while it is written.
  return kind === undefined || kind === 'answer' ? '' : COPY.announce[kind];
}

/** The live region. */
export function Status() {
  const look = useLook();
  const library = useLibrary();
  const progress = useComputed(() => progressSentence(look));
  const ready = useComputed(() => look.session.value.model?.entry.label ?? null);
  const pinned = useComputed(() =>
    look.selection.value.kind === 'live' || look.byPage.value || look.preview.value !== null
      ? ''
      : (look.readout.value?.sentence ?? ''),
  );
  const region = look.regionSentence.value;
  const said = useSignal('');
  useSignalEffect(() => {
    if (ready.value !== null) said.value = COPY.announce.ready(ready.value);
  });
  useSignalEffect(() => {
    if (progress.value !== '') said.value = progress.value;
  });
  const done = library.news.value;
  useEffect(() => {
    if (done === null) return;
    // The words come with the pages that have such news.
    void import('./library/library_copy').then(({ newsSentence }) => {
      said.value = newsSentence(done);
    });
  }, [done, said]);
  const sentence = region === '' ? pinned.value : region;
  useEffect(() => {
    if (sentence === '') return;
    const timer = setTimeout(() => {
      said.value = sentence;
    }, REST);
    return () => clearTimeout(timer);
  }, [sentence, said]);
  return (
    <p class="visually-hidden" role="status" data-testid="status">
      {said.value}
    </p>
  );
}
