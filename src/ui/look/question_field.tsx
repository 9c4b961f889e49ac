// Draws the field of the question with its unknown words underlined while somebody types, and below it each unknown word
// with the known ones that may be meant, one press away.

import { useSignalEffect } from '@preact/signals';
import type { RefObject } from 'preact';
import { useRef } from 'preact/hooks';
import { replaceWord } from '../../state/question_words';
import { COPY } from '../copy';
import { useLook, useQuestionWords } from './look_context';

/** The text behind the field whose unknown words carry a line; it scrolls along with the field. */
function Marks({ field }: { readonly field: RefObject<HTMLTextAreaElement | null> }) {
  const words = useQuestionWords();
  const marks = useRef<HTMLDivElement>(null);
  useSignalEffect(() => {
    void words.pieces.value;
    queueMicrotask(() => {
      if (marks.current !== null) marks.current.scrollTop = field.current?.scrollTop ?? 0;
    });
  });
  return (
    <div ref={marks} class="question-marks" aria-hidden="true">
      {words.pieces.value.map(({ text, unknown }, i) =>
        unknown ? <mark key={i}>{text}</mark> : <span key={i}>{text}</span>,
      )}
    </div>
  );
}

/** The text area; Enter calls `onEnter`, Shift and Enter begin a line. */
export function QuestionField({
  field,
  onEnter,
}: {
  readonly field: RefObject<HTMLTextAreaElement | null>;
  readonly onEnter: () => void;
}) {
  const look = useLook();
  return (
    <div class="question-field">
      <textarea
        ref={field}
        id="question"
        aria-label={COPY.ask.label}
        aria-describedby="unknown-words"
        placeholder={COPY.ask.placeholder}
        rows={2}
        spellcheck={false}
        value={look.question.value}
        onInput={(event) => look.setQuestion(event.currentTarget.value)}
        onScroll={(event) => {
          const marks = event.currentTarget.nextElementSibling;
          if (marks !== null) marks.scrollTop = event.currentTarget.scrollTop;
        }}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          onEnter();
        }}
      />
      <Marks field={field} />
    </div>
  );
}

/** The unknown words in a line of text, with what may be meant as buttons. */
export function UnknownWords() {
  const look = useLook();
  const words = useQuestionWords();
  const unknown = words.reading.value?.unknown ?? [];
  return (
    <div id="unknown-words" class="unknown-words" data-testid="unknown-words">
      {unknown.length > 0 && <span class="hint">{COPY.ask.unknownWords}</span>}
      {unknown.map(({ word, nearest }) => (
        <span key={word}>
          {word}
          {nearest.map((known) => (
            <button
              key={known}
              type="button"
              class="chip"
              aria-label={COPY.ask.meant(word, known)}
              onClick={() => look.setQuestion(replaceWord(look.question.value, word, known))}
            >
              {known}?
            </button>
          ))}
        </span>
      ))}
    </div>
  );
}
