// The bundled adapter is chosen once per model, and never over a choice of the user.

import { signal } from '@preact/signals';
import { describe, expect, it } from 'vitest';
import type { AdapterChoice } from '../../src/state/compare';
import { adoptBundledAdapter } from '../../src/state/default_adapter';
import { EMPTY_SESSION, type Session } from '../../src/state/session';
import type { AdapterSummary } from '../../src/worker/protocol/library';
import { LOADED_MODEL } from './engine_script';

function page() {
  const session = signal<Session>(EMPTY_SESSION);
  const adapter = signal<AdapterChoice | null>(null);
  const adapters = signal<readonly AdapterSummary[]>([]);
  const chooseAdapter = (chosen: { readonly id: string; readonly name: string } | null): void => {
    adapter.value = chosen === null ? null : { id: chosen.id, name: chosen.name, strength: 1 };
  };
  const load = (id: string): void => {
    const entry = { ...LOADED_MODEL.entry, id };
    session.value = { ...session.value, model: { ...LOADED_MODEL, entry } };
  };
  return { session, adapter, adapters, chooseAdapter, load };
}

function summary(id: string, modelId: string, bundled: boolean): AdapterSummary {
  return { id, name: id, modelId, bundled } as AdapterSummary;
}

describe('adoptBundledAdapter', () => {
  it('chooses the first bundled adapter of the model, whichever is known first', () => {
    for (const modelFirst of [true, false]) {
      const { adapters, load, adapter, ...look } = page();
      const stop = adoptBundledAdapter({ adapter, ...look }, { adapters });
      const list = [
        summary('mine', 'pocket', false),
        summary('other', 'big', true),
        summary('a', 'pocket', true),
      ];
      if (modelFirst) load('pocket');
      adapters.value = list;
      load('pocket');
      expect(adapter.value?.id).toBe('a');
      stop();
    }
  });

  it('does not overrule a choice, nor choose one of the user', () => {
    const { adapters, load, adapter, ...look } = page();
    const stop = adoptBundledAdapter({ adapter, ...look }, { adapters });
    adapters.value = [summary('mine', 'pocket', false)];
    load('pocket');
    expect(adapter.value).toBeNull();
    adapters.value = [...adapters.value, summary('a', 'pocket', true), summary('b', 'big', true)];
    expect(adapter.value?.id).toBe('a');
    look.chooseAdapter(null);
    look.session.value = { ...look.session.value, model: null };
    load('pocket');
    adapters.value = [...adapters.value];
    expect(adapter.value).toBeNull();
    load('big');
    expect(adapter.value?.id).toBe('b');
    stop();
  });
});
