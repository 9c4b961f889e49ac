// Shows what a person wrote about the shown run, to be changed in place. It is saved by itself, also when the field or the
// page is left, and can be put back.

import { useEffect } from 'preact/hooks';
import { MOST_NOTES } from '../../lib/notes';
import type { RunSummary } from '../../worker/protocol/training';
import { CommandFailure } from './failure_note';
import { useNotes } from './train_context';
import { TRAIN_COPY } from './train_copy';

const WORDS = TRAIN_COPY.notes;

/** The notes of a run. */
export function RunNotes({ run }: { readonly run: RunSummary }) {
  const notes = useNotes();
  useEffect(() => {
    const save = () => void notes.flush();
    addEventListener('pagehide', save);
    return () => {
      removeEventListener('pagehide', save);
      save();
    };
  }, [notes]);
  const text = notes.textOf(run);
  const before = notes.before(run);
  return (
    <details class="run-notes" data-testid="run-notes">
      <summary>
        {WORDS.title} <span class="hint">{text === '' ? WORDS.none : WORDS.firstLine(text)}</span>
      </summary>
      <textarea
        data-testid="notes"
        aria-label={WORDS.titleOf(run.plan.name)}
        rows={4}
        maxLength={MOST_NOTES}
        placeholder={WORDS.placeholder}
        value={text}
        onInput={(event) => notes.write(run, event.currentTarget.value)}
        onBlur={() => void notes.flush()}
      />
      <p class="notes-state">
        <span class="hint" data-testid="notes-state">
          {notes.unsaved(run.id) ? WORDS.unsaved : WORDS.saved}
        </span>
        {before !== null && (
          <button
            type="button"
            class="quiet"
            data-testid="notes-undo"
            onClick={() => {
              notes.write(run, before);
              void notes.flush();
            }}
          >
            {before === '' ? WORDS.clear : WORDS.undo}
          </button>
        )}
      </p>
      <CommandFailure commands={['notes']} />
    </details>
  );
}
