// Lists the runs kept on this device: state, steps, size; show, resume, take over the plan, export, delete. Nothing
// is deleted without a second press.

import { useSignal } from '@preact/signals';
import { formatBytes } from '../../lib/format';
import { isLive } from '../../state/session';
import { MOST_COMPARED } from '../../state/train_compare';
import type { RunFormat, RunSummary, TrainingStatus } from '../../worker/protocol/training';
import { download, fileName } from '../download';
import { usePlanNames } from './compared_runs';
import { CommandFailure } from './failure_note';
import { momentText } from './figures_text';
import { differingRows } from './plan_differences';
import { mayResume } from './run_panel';
import {
  useCommands,
  useCompare,
  useLiveRun,
  usePlan,
  useRunControl,
  useRunResults,
  useShown,
  useStored,
} from './train_context';
import { RUN_LETTERS, TRAIN_COPY } from './train_copy';

const WORDS = TRAIN_COPY.runs;
const FORMATS: readonly RunFormat[] = ['zip', 'jsonl', 'csv'];

function Exports({ run }: { readonly run: RunSummary }) {
  const results = useRunResults();
  const get = async (format: RunFormat) => {
    const blob = await results.exportRun(run.id, format);
    if (blob !== null) download(blob, fileName(`${run.plan.name}-${run.step}`, format, 'run'));
  };
  return FORMATS.map((format) => (
    <button
      key={format}
      type="button"
      class="quiet"
      data-testid={`export-${format}`}
      aria-label={WORDS.exportAs(run.plan.name, format)}
      onClick={() => void get(format)}
    >
      {WORDS[format]}
    </button>
  ));
}

/** Once, when the button comes: a callback of each drawing would take the focus back again. */
function takeFocus(button: HTMLButtonElement | null): void {
  button?.focus();
}

function Delete({ run, live }: { readonly run: RunSummary; readonly live: boolean }) {
  const results = useRunResults();
  const asking = useSignal(false);
  if (!asking.value) {
    return (
      <button
        type="button"
        class="quiet"
        data-testid="run-delete"
        aria-label={`${WORDS.delete}: ${run.plan.name}`}
        disabled={live}
        onClick={() => {
          asking.value = true;
        }}
      >
        {WORDS.delete}
      </button>
    );
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would be a form's; this is one question with two answers
    <span class="delete-ask" role="group" aria-label={WORDS.delete}>
      <span>{WORDS.deleteAsk(formatBytes(run.bytes), run.notes !== '')}</span>
      <button
        type="button"
        class="quiet danger"
        data-testid="run-delete-yes"
        onClick={() => void results.deleteRun(run.id)}
      >
        {WORDS.deleteYes}
      </button>
      <button
        type="button"
        class="quiet"
        ref={takeFocus}
        onClick={() => {
          asking.value = false;
        }}
      >
        {WORDS.deleteNo}
      </button>
    </span>
  );
}

interface RunProps {
  readonly run: RunSummary;
  /** The live status of this run; null for any other. */
  readonly status: TrainingStatus | null;
  /** Whether the page shows this run. */
  readonly shown: boolean;
}

function RunActs({ run, status, shown }: RunProps) {
  const { select, selected } = useShown();
  const live = useLiveRun();
  const commands = useCommands();
  const control = useRunControl();
  const form = usePlan();
  const { name } = run.plan;
  const show = shown ? WORDS.showing : WORDS.show;
  return (
    <div class="run-acts">
      <button
        type="button"
        class="quiet"
        data-testid="run-show"
        aria-pressed={shown}
        aria-label={`${show}: ${name}`}
        onClick={() => void select(run.id)}
      >
        {show}
      </button>
      {!shown && selected.value !== null && <Compare run={run} />}
      {mayResume(run, status) && !shown && (
        <button
          type="button"
          class="quiet"
          data-testid="run-resume"
          aria-label={`${WORDS.resume}: ${name}`}
          disabled={live.live.value || commands.pending.value.has('resume')}
          onClick={() => void control.resume(run.id)}
        >
          {WORDS.resume}
        </button>
      )}
      <button
        type="button"
        class="quiet"
        aria-label={`${WORDS.plan}: ${name}`}
        onClick={() => form.copyPlan(run.plan)}
      >
        {WORDS.plan}
      </button>
      <Exports run={run} />
      <Delete run={run} live={status !== null && isLive(status.state)} />
    </div>
  );
}

/** Takes a run into the comparison with the shown one, or out of it. */
function Compare({ run }: { readonly run: RunSummary }) {
  const compare = useCompare();
  const at = compare.runs.value.findIndex(({ summary }) => summary.id === run.id);
  const words = at < 0 ? WORDS.compare : WORDS.comparedAs(RUN_LETTERS[at] ?? '');
  return (
    <button
      type="button"
      class="quiet"
      data-testid="run-compare"
      aria-pressed={at >= 0}
      aria-label={`${words}: ${run.plan.name}`}
      disabled={at < 0 && compare.full.value}
      onClick={() => compare.toggle(run.id)}
    >
      {words}
    </button>
  );
}

/** What a run was set to, in which it is unlike the run that is shown. */
function Differences({ run, shown }: { readonly run: RunSummary; readonly shown: RunSummary }) {
  const found = differingRows([shown.plan, run.plan], usePlanNames());
  const words = WORDS.differs(found.length, shown.plan.name);
  if (found.length === 0) return <span class="hint">{words}</span>;
  return (
    <details class="run-differences" data-testid="run-differences">
      <summary class="hint">{words}</summary>
      <table>
        <thead>
          <tr>
            {WORDS.differsColumns(run.plan.name, shown.plan.name).map((name, at) => (
              <th key={at} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {found.map(({ id, label, values: [theirs, own] }) => (
            <tr key={id}>
              <th scope="row">{label}</th>
              <td>{own}</td>
              <td>{theirs}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

function Row({ run }: { readonly run: RunSummary }) {
  const now = useLiveRun().status.value;
  const { selected } = useShown();
  const { plan } = run;
  const status = now?.runId === run.id ? now : null;
  const live = status !== null && isLive(status.state);
  const shown = selected.value?.id === run.id;
  const state = isLive(run.state) && !live ? WORDS.elsewhere : TRAIN_COPY.states[run.state];
  return (
    <li
      class={shown ? 'run-row shown' : 'run-row'}
      data-testid="run-row"
      data-run-id={run.id}
      data-state={run.state}
      aria-current={shown}
    >
      <div class="run-what">
        <strong>{plan.name}</strong>
        <span class="hint">
          {[
            WORDS.methods[plan.method],
            state,
            WORDS.steps(run.step, plan.maxSteps),
            momentText(run.createdAt),
            formatBytes(run.bytes),
            ...(run.adapterId === null ? [] : [WORDS.adapterSaved]),
          ].join(' · ')}
        </span>
        {run.notes !== '' && <span class="run-noted">{TRAIN_COPY.notes.firstLine(run.notes)}</span>}
        {!shown && selected.value !== null && <Differences run={run} shown={selected.value} />}
      </div>
      <RunActs run={run} status={status} shown={shown} />
    </li>
  );
}

/** The list of runs, newest first. */
export function RunsPanel() {
  const stored = useStored();
  const live = useLiveRun();
  const full = useCompare().full.value;
  const runs = stored.runs.value;
  const news = live.news.value;
  return (
    <section class="panel runs-panel" aria-labelledby="runs-title">
      <header class="panel-head">
        <h2 id="runs-title">{WORDS.title}</h2>
        {news?.kind === 'deleted' && <span class="hint">{WORDS.freed(formatBytes(news.bytes))}</span>}
      </header>
      <CommandFailure commands={['delete', 'export']} />
      {runs.length === 0 && <p class="hint">{WORDS.empty}</p>}
      {runs.length > 1 && <p class="hint">{(full ? WORDS.compareFull : WORDS.compareHint)(MOST_COMPARED)}</p>}
      <ul class="runs-list" data-testid="runs-list">
        {runs.map((run) => (
          <Row key={run.id} run={run} />
        ))}
      </ul>
    </section>
  );
}
