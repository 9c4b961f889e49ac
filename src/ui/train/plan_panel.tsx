// Draws the plan: preset, method, questions, adapter, the few settings that matter, the rest folded, memory, and
// Start. Start is possible exactly when the state says so, and otherwise says why not.

import { type Signal, useSignal } from '@preact/signals';
import { formatBytes } from '../../lib/format';
import { splitWords } from '../../settings/held_out';
import { evaluatesHeldOut } from '../../settings/held_out_settings';
import { readerOf } from '../../settings/read_settings';
import { SETTING_GROUPS, type SettingGroup } from '../../settings/setting_groups';
import { PRESET_IDS, type PresetId, TRAIN_PRESETS } from '../../settings/train_presets';
import { TRAIN_SETTING_IDS, TRAIN_SETTINGS, type TrainSettingId } from '../../settings/train_settings';
import { fieldApplies, fieldOfAdvice } from '../../state/train_form';
import { ProblemBox, ProblemItems } from '../problem_list';
import { CommandFailure } from './failure_note';
import { controlId, PlanField } from './plan_field';
import { useForecast, useLiveRun, usePlan, usePlanModels, useRunControl, useStored } from './train_context';
import { problemText, TRAIN_COPY } from './train_copy';
import { trainErrorCopy } from './train_error_copy';

const WORDS = TRAIN_COPY.plan;

/** The settings of a group, in the order of the table. */
function fieldsOf(group: SettingGroup): readonly TrainSettingId[] {
  return TRAIN_SETTING_IDS.filter((id) => TRAIN_SETTINGS[id].group === group);
}

const FOLDED = (Object.keys(SETTING_GROUPS) as SettingGroup[])
  .filter((group) => SETTING_GROUPS[group].advanced)
  .map((group) => ({ group, fields: fieldsOf(group) }));

function PresetChoice() {
  const form = usePlan();
  const preset = form.preset.value;
  const changed = form.changes.value.length;
  return (
    <div class="plan-field wide">
      <label for="plan-preset">{WORDS.preset}</label>
      <select
        id="plan-preset"
        data-testid="preset"
        aria-describedby="plan-preset-note"
        value={preset ?? ''}
        onChange={(event) => form.choosePreset(event.currentTarget.value as PresetId)}
      >
        {preset === null && <option value="">{WORDS.ownPreset}</option>}
        {PRESET_IDS.map((id) => (
          <option key={id} value={id}>
            {TRAIN_PRESETS[id].label}
          </option>
        ))}
      </select>
      <span id="plan-preset-note" class="hint">
        {preset !== null && TRAIN_PRESETS[preset].summary}
        {changed > 0 && ` ${WORDS.changed(changed)}.`}
      </span>
    </div>
  );
}

function SourceChoice() {
  const form = usePlan();
  const stored = useStored();
  const { source } = form.plan.value;
  const datasets = stored.datasets.value;
  const value = source.kind === 'dataset' ? source.datasetId : '';
  const known = value === '' || datasets.some(({ id }) => id === value);
  const problem = form.problems.value.find(({ field }) => field === 'source');
  return (
    <div class={problem === undefined ? 'plan-field wide' : 'plan-field wide wrong'}>
      <label for="plan-source">{WORDS.source}</label>
      <select
        id="plan-source"
        data-testid="source"
        aria-describedby="plan-source-note"
        value={value}
        onChange={(event) => form.chooseDataset(event.currentTarget.value || null)}
      >
        <option value="">{WORDS.world}</option>
        {!known && <option value={value}>{WORDS.missingDataset}</option>}
        {datasets.map(({ id, name, rows }) => (
          <option key={id} value={id}>
            {WORDS.dataset(name, rows)}
          </option>
        ))}
      </select>
      <span id="plan-source-note" class="hint wrong-note">
        {problem !== undefined && problemText(problem)}
      </span>
    </div>
  );
}

/** What the run is evaluated on: examples that it holds out, or another dataset. */
function EvaluationChoice() {
  const form = usePlan();
  const { evalDatasetId } = form.plan.value;
  const datasets = useStored().datasets.value;
  const known = evalDatasetId === null || datasets.some(({ id }) => id === evalDatasetId);
  const problem = form.problems.value.find(({ field }) => field === 'evalDatasetId');
  return (
    <div class={problem === undefined ? 'plan-field' : 'plan-field wrong'}>
      <label for="plan-eval-source">{WORDS.evaluateOn}</label>
      <select
        id="plan-eval-source"
        data-testid="eval-dataset"
        aria-describedby="plan-eval-source-note"
        value={evalDatasetId ?? ''}
        onChange={(event) => form.chooseEvalDataset(event.currentTarget.value || null)}
      >
        <option value="">{WORDS.evaluateHeldOut}</option>
        {!known && <option value={evalDatasetId ?? ''}>{WORDS.missingDataset}</option>}
        {datasets.map(({ id, name, rows }) => (
          <option key={id} value={id}>
            {WORDS.dataset(name, rows)}
          </option>
        ))}
      </select>
      <span id="plan-eval-source-note" class="hint wrong-note">
        {problem !== undefined && problemText(problem)}
      </span>
    </div>
  );
}

function ModelChoice() {
  const form = usePlan();
  const models = usePlanModels();
  return (
    <div class="plan-field">
      <label for="plan-model">{WORDS.model}</label>
      <select
        id="plan-model"
        data-testid="plan-model"
        value={form.plan.value.modelId}
        onChange={(event) => form.chooseModel(event.currentTarget.value)}
      >
        {models.models.value.map(({ id, label }) => (
          <option key={id} value={id}>
            {label}
          </option>
        ))}
      </select>
    </div>
  );
}

function AdapterChoice() {
  const form = usePlan();
  const stored = useStored();
  const { adapterId, modelId, method } = form.plan.value;
  const fitting = stored.adapters.value.filter((adapter) => adapter.modelId === modelId);
  const known = adapterId === null || fitting.some(({ id }) => id === adapterId);
  return (
    <>
      <div class="plan-field">
        <label for="plan-adapter">{WORDS.adapter}</label>
        <select
          id="plan-adapter"
          data-testid="continue-adapter"
          value={adapterId ?? ''}
          onChange={(event) => form.chooseAdapter(event.currentTarget.value || null)}
        >
          <option value="">{WORDS.newAdapter}</option>
          {!known && <option value={adapterId ?? ''}>{WORDS.missingAdapter}</option>}
          {fitting.map(({ id, name, r }) => (
            <option key={id} value={id}>
              {WORDS.continueAdapter(name, r)}
            </option>
          ))}
        </select>
      </div>
      {method === 'grpo' && adapterId === null && <p class="hint plan-advice">{WORDS.grpoFromBase}</p>}
    </>
  );
}

function Advanced({ open }: { readonly open: Signal<boolean> }) {
  const form = usePlan();
  const plan = form.plan.value;
  const groups = FOLDED.filter(({ fields }) => fields.some((id) => fieldApplies(plan, id)));
  // What cannot be used must not be folded away: a dataset can make a setting wrong that nobody touched.
  const wrong = form.problems.value.some(
    ({ field }) =>
      field === 'evalDatasetId' || groups.some(({ fields }) => fields.some((id) => id === field)),
  );
  return (
    <details
      class="plan-advanced"
      open={open.value || wrong}
      onToggle={(event) => {
        open.value = event.currentTarget.open;
      }}
    >
      <summary>{WORDS.advanced}</summary>
      {groups.map(({ group, fields }) => (
        <fieldset key={group}>
          <legend>{SETTING_GROUPS[group].title}</legend>
          {group === 'lora' && plan.adapterId !== null && <p class="hint">{WORDS.loraFixed}</p>}
          <div class="plan-fields">
            {fields.map((id) => (
              <PlanField key={id} id={id} />
            ))}
            {group === 'evaluation' && evaluatesHeldOut(readerOf(plan)) && <EvaluationChoice />}
          </div>
        </fieldset>
      ))}
    </details>
  );
}

/** What the plan's model is called. */
function useModelLabel(): string {
  const form = usePlan();
  const models = usePlanModels();
  const { modelId } = form.plan.value;
  return models.models.value.find(({ id }) => id === modelId)?.label ?? modelId;
}

function EstimateParts({ parts }: { readonly parts: readonly { name: string; bytes: number }[] }) {
  if (parts.length === 0) return null;
  return (
    <details class="estimate-parts">
      <summary>{TRAIN_COPY.estimate.parts}</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">{TRAIN_COPY.estimate.part}</th>
            <th scope="col">{TRAIN_COPY.estimate.bytes}</th>
          </tr>
        </thead>
        <tbody>
          {parts.map(({ name, bytes }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{formatBytes(bytes)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

function Estimate({ goTo }: { readonly goTo: (id: TrainSettingId) => void }) {
  const forecast = useForecast();
  const models = usePlanModels();
  const live = useLiveRun();
  const view = forecast.estimate.value;
  // What was measured for another model says nothing about this one.
  const { estimate, error, asking } = models.needsModel.value
    ? { estimate: null, error: null, asking: false }
    : view;
  const words = TRAIN_COPY.estimate;
  const advised = estimate?.advice ? fieldOfAdvice(estimate.advice) : null;
  const model = useModelLabel();
  const waiting = asking
    ? words.asking
    : live.live.value
      ? words.busy
      : models.needsModel.value
        ? words.needsModel(model)
        : words.unknown;
  const fits = estimate === null ? '' : String(estimate.fits);
  return (
    <section
      class={fits === 'false' ? 'estimate too-much' : 'estimate'}
      aria-labelledby="estimate-title"
      aria-busy={asking}
      data-testid="estimate"
      data-fits={fits}
    >
      <h3 id="estimate-title">{words.title}</h3>
      {estimate === null && error === null && <p class="hint">{waiting}</p>}
      {error !== null && (
        <p class="hint" data-code={error.code}>
          {words.refused} {trainErrorCopy(error).why}
        </p>
      )}
      {estimate !== null && (
        <>
          <p>{(estimate.fits ? words.fits : words.tooMuch)(formatBytes(estimate.bytes))}</p>
          <p class="hint">{words.parameters(estimate.trainableParameters)}</p>
          {estimate.advice !== null && <p class="estimate-advice">{estimate.advice}</p>}
          {advised !== null && (
            <button type="button" class="quiet" onClick={() => goTo(advised)}>
              {words.goTo(TRAIN_SETTINGS[advised].label)}
            </button>
          )}
          <EstimateParts parts={estimate.parts} />
        </>
      )}
    </section>
  );
}

/** How the examples would be divided. */
function Split() {
  const split = usePlan().split.value;
  if (split === null) return null;
  const words = split.exact ? WORDS.split : WORDS.splitAtMost;
  return (
    <p class="hint plan-advice" data-testid="split">
      {words(split.count, splitWords(split))}
    </p>
  );
}

/** Words of the dataset that the model does not know, with the rows that are mostly made of them. */
function UnknownWords() {
  const { found, looking } = useForecast().words.value;
  if (looking) return <p class="hint plan-advice">{WORDS.wordsLooking}</p>;
  if (found === null || found.warnings.length === 0) return null;
  return (
    <div class="plan-advice">
      <ProblemBox id="plan-words-title" title={WORDS.words} icon="warning" testId="plan-words">
        <ProblemItems problems={found.warnings} more={found.more} />
        {found.looked < found.rows && <p>{WORDS.wordsLooked(found.looked, found.rows)}</p>}
      </ProblemBox>
    </div>
  );
}

/** Why Start is disabled, or what it does first; empty otherwise. */
function StartNote() {
  const live = useLiveRun();
  const form = usePlan();
  const models = usePlanModels();
  const forecast = useForecast();
  const model = useModelLabel();
  const why = () => {
    if (live.live.value) return WORDS.startBusy;
    if (form.problems.value.length > 0) return WORDS.startProblems;
    if (models.needsModel.value) return WORDS.startLoads(model);
    return forecast.estimate.value.estimate?.fits === false ? WORDS.startMemory : '';
  };
  return (
    <p id="start-note" class="hint">
      {why()}
    </p>
  );
}

/** The plan panel. */
export function PlanPanel() {
  const control = useRunControl();
  const open = useSignal(false);
  const goTo = (id: TrainSettingId) => {
    open.value = true;
    // The fold opens with the next render.
    requestAnimationFrame(() => document.getElementById(controlId(id))?.focus());
  };
  return (
    <section class="panel plan-panel" aria-labelledby="plan-title">
      <header class="panel-head">
        <h2 id="plan-title">{WORDS.title}</h2>
      </header>
      <form
        class="plan-fields"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void control.start();
        }}
      >
        <PresetChoice />
        {fieldsOf('kind').map((id) => (
          <PlanField key={id} id={id} />
        ))}
        <SourceChoice />
        <ModelChoice />
        <AdapterChoice />
        {fieldsOf('main').map((id) => (
          <PlanField key={id} id={id} />
        ))}
        <Advanced open={open} />
        <Split />
        <UnknownWords />
        <Estimate goTo={goTo} />
        <div class="plan-start">
          <button
            type="submit"
            class="primary"
            data-testid="start"
            aria-describedby="start-note"
            disabled={!control.canStart.value}
          >
            {WORDS.start}
          </button>
          <StartNote />
        </div>
      </form>
      <CommandFailure commands={['start']} />
    </section>
  );
}
