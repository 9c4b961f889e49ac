// Renames a stored item in place, with notes where it has some. A name that was not saved is never shown as if it were.

import { type Signal, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Library } from '../../state/library';
import { COPY } from '../copy';
import { LIBRARY_COPY } from './library_copy';

function NotesField({ notes }: { readonly notes: Signal<string> }) {
  return (
    <label class="field">
      {LIBRARY_COPY.notes}
      <textarea
        name="notes"
        rows={2}
        value={notes.value}
        onInput={(event) => {
          notes.value = event.currentTarget.value;
        }}
      />
    </label>
  );
}

interface RenameProps {
  readonly name: string;
  /** Null for what has no notes. */
  readonly notes: string | null;
  readonly library: Pick<Library, 'busy'>;
  /** Says whether it was saved. */
  readonly save: (name: string, notes: string) => Promise<boolean>;
  readonly onDone: () => void;
}

/** The form. */
export function RenameForm({ name: before, notes: notesBefore, library, save, onDone }: RenameProps) {
  const field = useRef<HTMLInputElement>(null);
  const name = useSignal(before);
  const notes = useSignal(notesBefore ?? '');
  useEffect(() => field.current?.select(), []);
  return (
    <form
      class="rename"
      onSubmit={(event) => {
        event.preventDefault();
        void save(name.value.trim(), notes.value.trim()).then((saved) => {
          if (saved) onDone();
        });
      }}
    >
      <label class="field">
        {LIBRARY_COPY.name}
        <input
          ref={field}
          type="text"
          name="name"
          maxLength={120}
          required
          value={name.value}
          onInput={(event) => {
            name.value = event.currentTarget.value;
          }}
        />
      </label>
      {notesBefore !== null && <NotesField notes={notes} />}
      <div class="item-actions">
        <button type="submit" class="primary" disabled={name.value.trim() === '' || library.busy.value}>
          {LIBRARY_COPY.save}
        </button>
        <button type="button" onClick={onDone}>
          {COPY.app.cancel}
        </button>
      </div>
    </form>
  );
}

/** Whether the form is open, and a button that opens it and has the focus again when it is closed. */
export function useRenaming() {
  const editing = useSignal(false);
  const button = useRef<HTMLButtonElement>(null);
  const done = () => {
    editing.value = false;
    // The button is back after the next render.
    requestAnimationFrame(() => button.current?.focus());
  };
  return { editing, button, done };
}
