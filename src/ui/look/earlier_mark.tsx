// Says that what is shown belongs to an earlier picture or question than those that would be asked now, with the picture
// that it is about.

import { useComputed, useSignalEffect } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { earlierSubject } from '../../state/earlier_answer';
import { nameOf } from '../../state/look_answer';
import { COPY } from '../copy';
import { drawThumbnail } from './heatmap';
import { useLook } from './look_context';

/** What the answer on show belongs to and is there no longer; null while it is about what would be asked now. */
export function useEarlier() {
  const look = useLook();
  return useComputed(() =>
    earlierSubject(look.session.value.answer, nameOf(look.pictures.value), look.question.value),
  );
}

function Thumbnail() {
  const look = useLook();
  const canvas = useRef<HTMLCanvasElement>(null);
  useSignalEffect(() => {
    const bitmap = look.answerPictures.value[0]?.bitmap;
    if (canvas.current !== null && bitmap !== undefined) drawThumbnail(canvas.current, bitmap);
  });
  return <canvas ref={canvas} class="thumbnail" width={48} height={48} />;
}

/** The mark; nothing where the answer is about what would be asked now. */
export function EarlierMark() {
  const look = useLook();
  const earlier = useEarlier().value;
  const question = useComputed(() => look.session.value.answer?.asked.question ?? '');
  if (earlier === null) return null;
  return (
    <span class="earlier" data-testid="earlier">
      <Thumbnail /> <span class="badge">{COPY.stream.earlier[earlier]}</span>{' '}
      <span class="answer-question">{COPY.stream.asked(question.value)}</span>
    </span>
  );
}
