// Chooses the adapter that came with a model when the model is first loaded, because pocket alone seldom looks back.
// Whoever chooses another adapter, or none, is not overruled for that model again; an adapter of the user's own is
// never chosen unasked.

import { effect } from '@preact/signals';
import type { Library } from './library';
import type { Look } from './look';

/** Watches models and adapters from now on; returns how to stop. */
export function adoptBundledAdapter(
  look: Pick<Look, 'session' | 'adapter' | 'chooseAdapter'>,
  library: Pick<Library, 'adapters'>,
): () => void {
  let adopted: string | null = null;
  return effect(() => {
    const model = look.session.value.model?.entry.id;
    const bundled = library.adapters.value.find((adapter) => adapter.bundled && adapter.modelId === model);
    if (model === undefined || bundled === undefined || adopted === model) return;
    adopted = model;
    if (look.adapter.peek() === null) look.chooseAdapter(bundled);
  });
}
