// Draws the choice of who writes looks in place of the model alone: an adapter of the library that is made for it, or
// another model.

import type { ColdStart } from '../../state/cold_start';
import type { Library } from '../../state/library';
import type { ColdStartView } from '../../worker/protocol/cold_start';
import { useLook } from '../look/look_context';
import { COLD_START_COPY } from './cold_start_copy';

const WORDS = COLD_START_COPY.insertion;

interface WriterProps {
  readonly coldStart: ColdStart;
  readonly view: ColdStartView;
}

interface Choice {
  readonly id: string;
  readonly name: string;
}

interface ChoiceProps {
  readonly coldStart: ColdStart;
  /** Name of the setting. */
  readonly field: string;
  readonly label: string;
  /** What stands there before anything is chosen. */
  readonly unchosen: string;
  /** What is said where there is nothing to choose. */
  readonly none: string;
  readonly chosen: Choice | undefined;
  readonly choices: readonly Choice[];
  readonly choose: (choice: Choice) => void;
}

/** A choice by name; one that was deleted since it was chosen stays as a line that says so. */
function ChoiceField({ coldStart, field, label, unchosen, none, chosen, choices, choose }: ChoiceProps) {
  const gone = chosen !== undefined && !choices.some(({ id }) => id === chosen.id) ? chosen : null;
  const take = (id: string): void => {
    const found = choices.find((one) => one.id === id);
    if (found !== undefined) choose(found);
  };
  return (
    <div class="setting-field">
      <label for={`cold-${field}`}>{label}</label>
      <fieldset disabled={coldStart.atWork.value}>
        <select
          id={`cold-${field}`}
          data-field={field}
          value={chosen?.id ?? ''}
          onChange={(event) => take(event.currentTarget.value)}
        >
          {chosen === undefined && <option value="">{unchosen}</option>}
          {gone !== null && <option value={gone.id}>{WORDS.gone(gone.name)}</option>}
          {choices.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </fieldset>
      {choices.length === 0 && <span class="hint">{none}</span>}
    </div>
  );
}

/** The adapters of the library that fit the model. */
export function WriterField({ coldStart, view, library }: WriterProps & { readonly library: Library }) {
  const { plan, modelId } = view;
  const adapters = library.adapters.value.filter((one) => one.modelId === modelId);
  return (
    <ChoiceField
      {...{ coldStart, field: 'writer', label: WORDS.adapter, unchosen: WORDS.noAdapter }}
      none={WORDS.noneFits}
      chosen={plan.writer}
      choices={adapters}
      choose={({ id, name }) => void coldStart.setWriter({ id, name })}
    />
  );
}

/** The models that are here, but for the one that answered. */
export function WriterModelField({ coldStart, view: { plan, modelId } }: WriterProps) {
  const models = useLook().models.value.filter(({ id }) => id !== modelId);
  return (
    <ChoiceField
      {...{ coldStart, field: 'writerModel', label: WORDS.model, unchosen: WORDS.noModel }}
      none={WORDS.noOther}
      chosen={plan.writerModel}
      choices={models.map(({ id, label }) => ({ id, name: label }))}
      choose={(writerModel) => void coldStart.setWriterModel(writerModel)}
    />
  );
}
