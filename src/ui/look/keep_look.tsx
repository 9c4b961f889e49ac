// Draws the button that keeps the answer on show in this browser, as a saved look, and says what came of it.

import { useSignal } from '@preact/signals';
import type { Library } from '../../state/library';
import type { Look } from '../../state/look';
import { Icon } from '../icons';
import { SHARE_COPY } from './share_copy';

/** Keeps the trace of the answer on show. @returns whether it is kept */
async function keep(look: Look, library: Library): Promise<boolean> {
  const { answer } = look.session.value;
  const file = await look.saveTrace();
  if (file === null || answer === null) return false;
  const { modelLabel: model, adapterLabel: adapter, recorded, asked } = answer;
  const facts = { name: asked.question, model, adapter, origin: recorded ? 'import' : 'here' } as const;
  return (await library.keepTrace(file, facts)) !== null;
}

/** The button. */
export function KeepLook({ look, library }: { readonly look: Look; readonly library: Library }) {
  const kept = useSignal<'no' | 'making' | 'yes' | 'failed'>('no');
  const press = async () => {
    kept.value = 'making';
    kept.value = (await keep(look, library).catch(() => false)) ? 'yes' : 'failed';
  };
  return (
    <p>
      <button
        type="button"
        data-testid="keep-look"
        disabled={kept.value === 'making' || kept.value === 'yes'}
        onClick={() => void press()}
      >
        <Icon name="add" /> {SHARE_COPY.keep}
      </button>{' '}
      <span role="status">
        {kept.value === 'yes' && SHARE_COPY.kept}
        {kept.value === 'failed' && (library.error.value?.message ?? SHARE_COPY.notKept)}
      </span>
    </p>
  );
}
