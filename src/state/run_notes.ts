// Holds what a person writes about runs: each text is saved a moment after the last key, stays here until it is saved, and
// can be put back to what it was.

import { batch, signal } from '@preact/signals';
import type { RunSummary, TrainingCommands } from '../worker/protocol/training';
import type { PerformCommand } from './train_commands';
import type { StoredLists } from './train_stored';

/** Silence of the keyboard after which a text is saved. */
const SAVE_AFTER_MS = 800;

/** What is written about one run, since this page first changed it. */
interface Draft {
  /** As it was before. */
  readonly before: string;
  readonly text: string;
  readonly saved: boolean;
}

/** Notes on runs. All but {@link RunNotes.write} read signals. */
export interface RunNotes {
  /** The text as it stands. */
  textOf(run: Pick<RunSummary, 'id' | 'notes'>): string;
  /** True while the text is not kept yet. */
  unsaved(runId: string): boolean;
  /** The text before it was changed here; null where it still is that. */
  before(run: Pick<RunSummary, 'id' | 'notes'>): string | null;
  /** Takes a changed text; it is saved a moment later. */
  write(run: Pick<RunSummary, 'id' | 'notes'>, text: string): void;
  /** Saves now what is not saved. A text that could not be saved stays; the command's failure tells why. */
  flush(): Promise<void>;
}

/** Nothing is written at first. */
export function createRunNotes(
  client: Pick<TrainingCommands, 'noteRun'>,
  perform: PerformCommand,
  stored: Pick<StoredLists, 'changeRun'>,
): RunNotes {
  const drafts = signal<ReadonlyMap<string, Draft>>(new Map());
  let timer: ReturnType<typeof setTimeout> | undefined;
  const put = (runId: string, draft: Draft) => {
    drafts.value = new Map([...drafts.peek(), [runId, draft]]);
  };
  const save = async (runId: string, { text }: Draft) => {
    const done = await perform('notes', () => client.noteRun(runId, text).then(() => true));
    if (done === null) return;
    batch(() => {
      stored.changeRun(runId, { notes: text });
      const now = drafts.peek().get(runId);
      // What was written in the meantime is saved in its turn.
      if (now !== undefined && now.text === text) put(runId, { ...now, saved: true });
    });
  };
  const flush = async () => {
    clearTimeout(timer);
    await Promise.all([...drafts.peek()].filter(([, { saved }]) => !saved).map((one) => save(...one)));
  };
  const textOf: RunNotes['textOf'] = ({ id, notes }) => {
    const draft = drafts.value.get(id);
    return draft === undefined || draft.saved ? notes : draft.text;
  };
  return {
    ...{ textOf, flush },
    unsaved: (runId) => drafts.value.get(runId)?.saved === false,
    before: (run) => {
      const draft = drafts.value.get(run.id);
      return draft === undefined || draft.before === textOf(run) ? null : draft.before;
    },
    write: (run, text) => {
      const { before } = drafts.peek().get(run.id) ?? { before: run.notes };
      put(run.id, { before, text, saved: false });
      clearTimeout(timer);
      timer = setTimeout(() => void flush(), SAVE_AFTER_MS);
    },
  };
}
