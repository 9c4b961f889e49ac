// Offers what can be done with an answer that is closed: ask again, with a new seed, play it, keep it, or add it to a
// dataset.

import { useComputed, useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import type { Look } from '../../state/look';
import { isOpen } from '../../state/session';
import { COPY } from '../copy';
import { Icon, type IconName } from '../icons';
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

function Share({ onClose }: { readonly onClose: () => void }) {
  const look = useLook();
  const load = useSignal(async () => {
    const { ShareDialog } = await import('./share_dialog');
    return () => <ShareDialog save={() => void saveTrace(look)} onClose={onClose} />;
  });
  return <LazyPage load={load.value} />;
}

/** Something that can be done with an answer. */
interface Act {
  readonly id: string;
  readonly icon: IconName;
  readonly label: string;
  /** The words on the button; the label says them, too. */
  readonly short: string;
  /** What it takes: a model that can be asked, an answer that is finished. */
  readonly needs: readonly ('model' | 'finished')[];
  run(): void;
}

/** The buttons stay where they are, and keep the focus, while they cannot be used. */
function ActButton({
  act: { id, icon, label, short, run },
  can,
}: {
  readonly act: Act;
  readonly can: boolean;
}) {
  return (
    <button
      type="button"
      class="quiet small"
      title={label}
      aria-label={label}
      aria-disabled={!can}
      data-testid={id}
      onClick={() => {
        if (can) run();
      }}
    >
      <Icon name={icon} /> {short}
    </button>
  );
}

function actsOf(look: Look, open: (dialog: 'share' | 'add') => void): readonly Act[] {
  const { stream } = COPY;
  const act = (
    id: string,
    icon: IconName,
    [label, short]: readonly [string, string],
    needs: Act['needs'],
    run: () => void,
  ): Act => ({ id, icon, label, short, needs, run });
  return [
    act('again', 'again', [stream.again, stream.again], ['model'], () => void look.regenerate()),
    act('new-seed', 'dice', stream.newSeed, ['model'], () => void look.regenerate(rollSeed())),
    act('replay', 'play', stream.replay, ['finished'], () => void look.replayAnswer()),
    act('save-trace', 'download', stream.save, ['finished'], () => void saveTrace(look)),
    act('share', 'share', stream.shareLink, ['finished'], () => open('share')),
    act('add-to-dataset', 'add', stream.add, ['finished', 'model'], () => open('add')),
  ];
}

/** The buttons of an answer; their place is kept before the first. */
export function Again() {
  const look = useLook();
  const dialog = useSignal<'share' | 'add' | null>(null);
  const acts = useRef(
    actsOf(look, (wanted) => {
      dialog.value = wanted;
    }),
  );
  const any = useComputed(() => look.session.value.answer !== null);
  const have = useComputed(() => {
    const { answer, model, deviceTrouble } = look.session.value;
    const closed = answer !== null && !isOpen(answer) && answer.status !== 'replaying';
    return {
      model: closed && model !== null && deviceTrouble !== 'recovering',
      finished: closed && answer.status === 'finished',
    };
  });
  const close = () => {
    dialog.value = null;
  };
  return (
    <div class="again">
      {any.value &&
        acts.current.map((act) => (
          <ActButton key={act.id} act={act} can={act.needs.every((need) => have.value[need])} />
        ))}
      {dialog.value === 'share' && <Share onClose={close} />}
      {dialog.value === 'add' && <AddDialog onClose={close} />}
    </div>
  );
}
