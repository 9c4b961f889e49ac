// Draws the choice of where questions come from: the built-in world, or one of the datasets of this device.

import type { DatasetSummary } from '../worker/protocol/library';
import { counted } from './data/data_copy';

/** A source as plans of a cold start and of an evaluation name it. */
type Source =
  | { readonly kind: 'shapes_world' }
  | { readonly kind: 'dataset'; readonly datasetId: string; readonly name: string };

interface SourceFieldProps {
  readonly form: string;
  readonly source: Source;
  readonly sets: readonly DatasetSummary[];
  readonly choose: (source: Source) => void;
}

const WORDS = {
  label: 'Questions from',
  world: 'The built-in world',
  set: (name: string, rows: number) => `${name} (${counted(rows, 'row')})`,
} as const;

/** A labelled menu. */
export function SourceField({ form, source, sets, choose }: SourceFieldProps) {
  const chosen = (id: string) => {
    const set = sets.find((one) => one.id === id);
    choose(set === undefined ? { kind: 'shapes_world' } : { kind: 'dataset', datasetId: id, name: set.name });
  };
  return (
    <div class="setting-field">
      <label for={`${form}-source`}>{WORDS.label}</label>
      <select
        id={`${form}-source`}
        data-testid={`${form}-source`}
        value={source.kind === 'dataset' ? source.datasetId : ''}
        onChange={(event) => chosen(event.currentTarget.value)}
      >
        <option value="">{WORDS.world}</option>
        {sets.map(({ id, name, rows }) => (
          <option key={id} value={id}>
            {WORDS.set(name, rows)}
          </option>
        ))}
      </select>
    </div>
  );
}
