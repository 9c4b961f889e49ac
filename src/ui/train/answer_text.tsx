// Shows an answer of the model with its tags coloured, and ticks that say which parts of the form it has, as the
// engine judged. Model text becomes text nodes, never markup.

import { type Span, spansOf, type Tick, ticksOf } from './tagged_text';
import { TRAIN_COPY } from './train_copy';

/** The text, tags and segments in their colours; an empty answer says so. */
export function AnswerText({ text }: { readonly text: string }) {
  if (text.trim() === '') return <p class="hint">{TRAIN_COPY.groups.empty_}</p>;
  // A span's place among its siblings is its identity: the text never changes.
  return (
    <p class="answer-text mono">
      {spansOf(text).map((span: Span, i) => (
        <span key={`${i} ${span.kind}`} class={`span-${span.kind}`}>
          {span.text}
        </span>
      ))}
    </p>
  );
}

const MARKS: Readonly<Record<Tick, string>> = { yes: '✓', empty: '○', no: '✗' };

/** `✓ think  ✗ back  ✓ boxed`. */
export function FormatTicks({ text }: { readonly text: string }) {
  const ticks = ticksOf(text);
  return (
    <span class="ticks">
      {(['think', 'back', 'box'] as const).map((part) => {
        const name = TRAIN_COPY.ticks[part];
        return (
          <span key={part} class={`tick tick-${ticks[part]}`} data-tick={part} data-has={ticks[part]}>
            <span aria-hidden="true">
              {MARKS[ticks[part]]} {name}
            </span>
            <span class="visually-hidden">{TRAIN_COPY.tick[ticks[part]](name)}</span>
          </span>
        );
      })}
    </span>
  );
}

/** Right or wrong, as a word and a mark. */
export function Verdict({ correct }: { readonly correct: boolean }) {
  return (
    <span class={correct ? 'verdict right' : 'verdict wrong'}>
      <span aria-hidden="true">{correct ? '✓' : '✗'}</span> {correct ? TRAIN_COPY.right : TRAIN_COPY.wrong}
    </span>
  );
}
