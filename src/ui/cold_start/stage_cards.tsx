// Draws the stages of a cold start in the making, one card each: answers, selection, looks, filter, mix, dataset.

import { useSignal } from '@preact/signals';
import { modelWrites } from '../../settings/cold_start_settings';
import type { ColdStart } from '../../state/cold_start';
import type { Library } from '../../state/library';
import type { ColdStartView } from '../../worker/protocol/cold_start';
import { download } from '../download';
import { FilePicker } from '../file_picker';
import { useLook } from '../look/look_context';
import { COLD_START_COPY } from './cold_start_copy';
import { ColdStartField } from './cold_start_field';
import { DifficultyChart } from './difficulty_chart';
import { LookEditor } from './look_editor';
import { AskModel, StageCard, StageExamples } from './stage_parts';
import { WriterField, WriterModelField } from './writer_field';

/** A stage's state and what it has come to. */
export interface StageProps {
  readonly coldStart: ColdStart;
  readonly view: ColdStartView;
}

/** Whether the loaded model is the one that answered so far. */
function useSameModel({ modelId }: ColdStartView): boolean {
  return useLook().session.value.model?.entry.id === modelId;
}

/** 1: the model's own answers. */
export function RolloutsCard({ coldStart, view }: StageProps) {
  const words = COLD_START_COPY.rollouts;
  const { rollouts } = view;
  const same = useSameModel(view);
  const whole = rollouts.done === rollouts.total;
  return (
    <StageCard name="rollouts" title={words.title}>
      <p class="hint">{words.why}</p>
      <p data-testid="cold-rollouts-done" data-done={rollouts.done}>
        {words.done(rollouts)} {rollouts.withoutChain > 0 && words.without(rollouts.withoutChain)}
      </p>
      {!whole && (
        <AskModel
          coldStart={coldStart}
          stage="rollouts"
          label={rollouts.done === 0 ? words.go : words.goOn}
          disabled={!same}
        />
      )}
      {!whole && rollouts.done > 0 && coldStart.work.value === null && view.atWork === null && (
        <p class="hint" data-testid="cold-paused">
          {COLD_START_COPY.states.paused}
        </p>
      )}
      {!same && !whole && <p class="hint">{COLD_START_COPY.states.wrongModel(view.modelId)}</p>}
      {rollouts.done === 0 ? <p class="empty">{words.none}</p> : <DifficultyChart bars={rollouts.bars} />}
      <StageExamples examples={rollouts.examples} />
    </StageCard>
  );
}

/** 2: which questions get a look, and from which chain. */
export function SelectionCard({ coldStart, view: { plan, selection } }: StageProps) {
  const words = COLD_START_COPY.selection;
  return (
    <StageCard name="selection" title={words.title}>
      <p>{words.rule(plan)}</p>
      <p class="hint">{words.source}</p>
      <div class="setting-fields">
        {(['looks', 'hardShare', 'wrongFirstShare'] as const).map((id) => (
          <ColdStartField key={id} coldStart={coldStart} id={id} />
        ))}
      </div>
      <p data-testid="cold-selected" data-looks={selection.looks}>
        {words.counts(selection)}
      </p>
      {selection.looks === 0 && <p class="empty">{words.none}</p>}
      <StageExamples examples={selection.examples} />
    </StageCard>
  );
}

function WriterActions({ coldStart, view }: StageProps) {
  const words = COLD_START_COPY.insertion;
  const { plan, selection, insertion } = view;
  const same = useSameModel(view);
  const tasks = async () => {
    const zip = await coldStart.exportFile('tasks');
    if (zip !== null) download(zip, 'cold_start_tasks.zip');
  };
  return (
    <div class="cold-actions">
      {modelWrites(plan.insert) && (
        <AskModel
          coldStart={coldStart}
          stage="self"
          label={words.ask}
          disabled={
            (!same && plan.insert !== 'model') ||
            selection.looks === insertion.written + insertion.cutOff ||
            (plan.insert === 'adapter' && plan.writer === undefined) ||
            (plan.insert === 'model' && plan.writerModel === undefined)
          }
        />
      )}
      {plan.insert === 'file' && (
        <>
          <button
            type="button"
            data-testid="cold-tasks"
            disabled={coldStart.locked.value || selection.looks === 0}
            onClick={() => void tasks()}
          >
            {words.exportTasks}
          </button>
          <FilePicker
            label={words.import}
            accept=".jsonl,.json,.txt"
            testId="cold-import"
            take={(files) => void coldStart.importLooks(files)}
          />
        </>
      )}
      <button
        type="button"
        data-testid="cold-edit"
        disabled={coldStart.locked.value || selection.looks === 0}
        onClick={() => void coldStart.showLook(0)}
      >
        {words.edit}
      </button>
    </div>
  );
}

/** 3: looks put into the chosen chains. */
export function InsertionCard({ coldStart, view, library }: StageProps & { readonly library: Library }) {
  const words = COLD_START_COPY.insertion;
  const { plan, selection, insertion } = view;
  const writers = plan.source.kind === 'dataset' ? ['self', 'adapter', 'model', 'file', 'hand'] : undefined;
  return (
    <StageCard name="insertion" title={words.title}>
      <p class="hint">{words.why}</p>
      <div class="setting-fields wide">
        <ColdStartField coldStart={coldStart} id="position" />
        <ColdStartField
          coldStart={coldStart}
          id="insert"
          {...(writers === undefined ? {} : { choices: writers })}
        />
        {plan.insert === 'adapter' && <WriterField coldStart={coldStart} view={view} library={library} />}
        {plan.insert === 'model' && <WriterModelField coldStart={coldStart} view={view} />}
        {modelWrites(plan.insert) && <ColdStartField coldStart={coldStart} id="tries" />}
      </div>
      <p>{words.writers[plan.insert]}</p>
      <WriterActions coldStart={coldStart} view={view} />
      <LookEditor coldStart={coldStart} />
      <p data-testid="cold-written" data-written={insertion.written}>
        {words.counts(insertion, selection.looks)}
      </p>
      {insertion.cutOff > 0 && (
        <p class="hint" data-testid="cold-cut-off" data-looks={insertion.cutOff}>
          {words.cutOff(insertion.cutOff)}
        </p>
      )}
      {insertion.written === 0 && <p class="empty">{words.none}</p>}
      <StageExamples examples={insertion.examples} />
    </StageCard>
  );
}

/** 4: what the filter rejects, and why. */
export function FilterCard({ view: { filter, insertion } }: StageProps) {
  const words = COLD_START_COPY.filter;
  return (
    <StageCard name="filter" title={words.title}>
      <p class="hint">{words.why}</p>
      <p data-testid="cold-accepted" data-accepted={filter.accepted}>
        {words.accepted(filter.accepted, insertion.written)}
      </p>
      {filter.broken.length === 0 ? (
        insertion.written > 0 && <p>{words.all}</p>
      ) : (
        <table class="cold-broken">
          <thead>
            <tr>
              <th scope="col">{words.rule}</th>
              <th scope="col">{words.count}</th>
              <th scope="col">{words.example}</th>
            </tr>
          </thead>
          <tbody>
            {filter.broken.map(({ rule, demands, count, examples: [example] }) => (
              <tr key={rule} data-testid="cold-rule" data-rule={rule}>
                <th scope="row">{demands}</th>
                <td>{count}</td>
                <td>
                  {example?.why} <span class="mono">{example?.text}</span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </StageCard>
  );
}

/** 5: how many of the examples look back. */
export function MixCard({ coldStart, view: { plan, mix } }: StageProps) {
  const words = COLD_START_COPY.mix;
  const percent = Math.round(100 * plan.reflectionRate);
  return (
    <StageCard name="mix" title={words.title}>
      <div class="setting-fields">
        <ColdStartField coldStart={coldStart} id="reflectionRate" />
        <div class="setting-field">
          <label for="cold-rate-slider">{words.rate(percent)}</label>
          <input
            id="cold-rate-slider"
            type="range"
            min={0}
            max={100}
            value={percent}
            data-testid="cold-rate"
            disabled={coldStart.atWork.value}
            onChange={(event) =>
              void coldStart.set('reflectionRate', event.currentTarget.valueAsNumber / 100)
            }
          />
        </div>
        <ColdStartField coldStart={coldStart} id="examples" />
      </div>
      <p data-testid="cold-mixed" data-looks={mix.looks} data-plains={mix.plains}>
        {mix.looks + mix.plains === 0 ? words.none : words.counts(mix)}
      </p>
      <StageExamples examples={mix.examples} />
    </StageCard>
  );
}

/** 6: the examples as a dataset, here or as a file. */
export function SaveCard({ coldStart, view: { plan, mix, savedAs } }: StageProps) {
  const words = COLD_START_COPY.save;
  const name = useSignal(savedAs ?? words.suggestion(plan));
  const none = mix.looks + mix.plains === 0;
  const disabled = coldStart.locked.value || none;
  const exported = async () => {
    const zip = await coldStart.exportFile('examples');
    if (zip !== null) download(zip, 'cold_start.zip');
  };
  return (
    <StageCard name="save" title={words.title}>
      <form
        class="keep"
        onSubmit={(event) => {
          event.preventDefault();
          void coldStart.save(name.value);
        }}
      >
        <label class="field">
          {words.name}
          <input
            type="text"
            maxLength={120}
            required
            data-testid="cold-name"
            value={name.value}
            onInput={(event) => {
              name.value = event.currentTarget.value;
            }}
          />
        </label>
        <button type="submit" class="primary" data-testid="cold-save" disabled={disabled}>
          {words.save}
        </button>
        <button type="button" data-testid="cold-export" disabled={disabled} onClick={() => void exported()}>
          {words.export}
        </button>
        {savedAs !== null && <a href="#/train">{words.train}</a>}
      </form>
      <p class="hint">{words.exportWhy}</p>
    </StageCard>
  );
}
