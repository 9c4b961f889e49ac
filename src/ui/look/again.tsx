// Offers what can be done with an answer that is closed: ask again, with a new seed, or add it to a dataset. It shows
// nothing while an answer runs.

import { useComputed, useSignal } from '@preact/signals';
import type { Look } from '../../state/look';
import { isOpen } from '../../state/session';
import { COPY } from '../copy';
import { Icon } from '../icons';
import { LazyPage } from '../lazy_page';
import { rollSeed } from './ask_box';
import { useLibrary, useLook } from './look_context';

function AddDialog({ onClose }: { readonly onClose: () => void }) {
  const look = useLook();
  const library = useLibrary();
  const load = useSignal(async () => {
    const { AddToDataset } = await import('../data/add_to_dataset');
    return () => <AddToDataset look={look} library={library} onClose={onClose} />;
  });
  return <LazyPage load={load.value} />;
}

/** Offers the answer's trace as a file. */
async function saveTrace(look: Look): Promise<void> {
  const trace = await look.saveTrace();
  const { download, fileName } = await import('../download');
  const question = look.session.value.answer?.asked.question ?? '';
  if (trace !== null) download(trace, fileName(question, 'trace.json', 'answer'));
}

/** The buttons beside the title of an answer. */
export function Again() {
  const look = useLook();
  const adding = useSignal(false);
  const can = useComputed(() => {
    const { answer, model, deviceTrouble } = look.session.value;
    return answer !== null && !isOpen(answer) && model !== null && deviceTrouble !== 'recovering';
  });
  const finished = useComputed(() => look.session.value.answer?.status === 'finished');
  if (!can.value) return null;
  return (
    <div class="again">
      <button type="button" class="quiet" onClick={() => void look.regenerate()}>
        <Icon name="again" /> {COPY.stream.again}
      </button>
      <button type="button" class="quiet" onClick={() => void look.regenerate(rollSeed())}>
        <Icon name="dice" /> {COPY.stream.newSeed}
      </button>
      {finished.value && (
        <button type="button" class="quiet" data-testid="replay" onClick={() => void look.replayAnswer()}>
          <Icon name="play" /> {COPY.stream.replay}
        </button>
      )}
      {finished.value && (
        <button type="button" class="quiet" data-testid="save-trace" onClick={() => void saveTrace(look)}>
          <Icon name="download" /> {COPY.stream.save}
        </button>
      )}
      {finished.value && (
        <button
          type="button"
          class="quiet"
          data-testid="add-to-dataset"
          onClick={() => {
            adding.value = true;
          }}
        >
          <Icon name="add" /> {COPY.stream.add}
        </button>
      )}
      {adding.value && (
        <AddDialog
          onClose={() => {
            adding.value = false;
          }}
        />
      )}
    </div>
  );
}
