// Draws the choice of the adapter under which the model writes looks: those of the library that are made for the model.

import type { ColdStart } from '../../state/cold_start';
import type { Library } from '../../state/library';
import type { ColdStartView } from '../../worker/protocol/cold_start';
import { COLD_START_COPY } from './cold_start_copy';

const WORDS = COLD_START_COPY.insertion;

interface WriterProps {
  readonly coldStart: ColdStart;
  readonly view: ColdStartView;
  readonly library: Library;
}

/** The adapters by name; one that was deleted since it was chosen stays as a line that says so. */
export function WriterField({ coldStart, view: { plan, modelId }, library }: WriterProps) {
  const adapters = library.adapters.value.filter((one) => one.modelId === modelId);
  const { writer } = plan;
  const gone = writer !== undefined && !adapters.some(({ id }) => id === writer.id) ? writer : null;
  const choose = (id: string): void => {
    const found = adapters.find((one) => one.id === id);
    if (found !== undefined) void coldStart.setWriter({ id, name: found.name });
  };
  return (
    <div class="setting-field">
      <label for="cold-writer">{WORDS.adapter}</label>
      <fieldset disabled={coldStart.atWork.value}>
        <select
          id="cold-writer"
          data-field="writer"
          value={writer?.id ?? ''}
          onChange={(event) => choose(event.currentTarget.value)}
        >
          {writer === undefined && <option value="">{WORDS.noAdapter}</option>}
          {gone !== null && <option value={gone.id}>{WORDS.gone(gone.name)}</option>}
          {adapters.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </fieldset>
      {adapters.length === 0 && <span class="hint">{WORDS.noneFits}</span>}
    </div>
  );
}
