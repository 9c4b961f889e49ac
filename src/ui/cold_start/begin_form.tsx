// Draws the form with which a cold start begins: the model, where the questions come from, and how often each is asked.

import type { ColdStart } from '../../state/cold_start';
import type { Library } from '../../state/library';
import { useLook } from '../look/look_context';
import { SourceField } from '../source_field';
import { COLD_START_COPY } from './cold_start_copy';
import { ColdStartField } from './cold_start_field';

const WORDS = COLD_START_COPY.begin;

/** The form; shown while there is no cold start. */
export function BeginForm({
  coldStart,
  library,
}: {
  readonly coldStart: ColdStart;
  readonly library: Library;
}) {
  const model = useLook().session.value.model;
  const world = coldStart.draft.value.source.kind === 'shapes_world';
  const fields = [
    ...(world ? (['pictures', 'textShare'] as const) : []),
    ...(['count', 'seed', 'rollouts', 'temperature', 'maxNewTokens', 'batch'] as const),
  ];
  return (
    <section class="panel" aria-labelledby="cold-begin-title">
      <header class="panel-head">
        <h3 id="cold-begin-title">{WORDS.title}</h3>
      </header>
      <p data-testid="cold-model">{model === null ? WORDS.noModel : WORDS.model(model.entry.label)}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void coldStart.begin();
        }}
      >
        <div class="setting-fields">
          <SourceField
            form="cold"
            source={coldStart.draft.value.source}
            sets={library.datasets.value}
            choose={coldStart.setSource}
          />
          {fields.map((id) => (
            <ColdStartField key={id} coldStart={coldStart} id={id} />
          ))}
        </div>
        <button
          type="submit"
          class="primary"
          data-testid="cold-begin"
          disabled={model === null || coldStart.locked.value || coldStart.wrong.value.size > 0}
        >
          {WORDS.start}
        </button>
      </form>
    </section>
  );
}
