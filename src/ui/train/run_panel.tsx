// Draws the shown run in one strip: state, step, measured pace, time left, what is being done; its controls; why it
// stopped. Pause and Resume are one control in two states, so that the focus stays on it.

import { useComputed, useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import type { PlainError } from '../../lib/plain_error';
import { bestWords } from '../../settings/best_evaluation';
import { isLive } from '../../state/session';
import { alertsOf, secondsLeft } from '../../state/train_run';
import type { SavedCheckpoint } from '../../worker/protocol/library';
import type { RunSummary, TrainingStatus } from '../../worker/protocol/training';
import { Icon } from '../icons';
import { CommandFailure, ErrorNote } from './failure_note';
import { durationText, paceText } from './figures_text';
import { RunNotes } from './run_notes';
import {
  useCommands,
  useLiveRun,
  usePlan,
  useRunControl,
  useRunResults,
  useShown,
  useStored,
} from './train_context';
import { ALERT_COPY, TRAIN_COPY } from './train_copy';

const WORDS = TRAIN_COPY.run;

/** What the engine says about the shown run; null when it is about another one. */
function useStatus(run: RunSummary | null): TrainingStatus | null {
  const status = useLiveRun().status.value;
  return run !== null && status?.runId === run.id ? status : null;
}

/** True for a run that may go on: paused or failed, or left behind by a tab that is gone. */
export function mayResume(run: RunSummary, status: TrainingStatus | null): boolean {
  if (run.state === 'paused' || run.state === 'failed') return true;
  return isLive(run.state) && status === null;
}

function phaseText(status: TrainingStatus): string {
  if (!isLive(status.state) || status.phase === 'waiting' || status.phase === '') return WORDS.none_;
  const phase = TRAIN_COPY.phases[status.phase] ?? status.phase;
  return status.fraction === null ? phase : `${phase}, ${Math.round(status.fraction * 100)} %`;
}

function Figures({ run, status }: { readonly run: RunSummary; readonly status: TrainingStatus | null }) {
  const left = status === null ? null : secondsLeft(status);
  const pace = status?.secondsPerStep ?? null;
  const rows: readonly (readonly [string, string])[] = [
    [WORDS.pace, pace === null ? WORDS.none_ : WORDS.paceValue(paceText(pace))],
    [WORDS.left, left === null ? WORDS.none_ : WORDS.leftValue(durationText(left))],
    [WORDS.now, status === null ? WORDS.none_ : phaseText(status)],
    [WORDS.checkpoint, run.checkpointStep === null ? WORDS.none_ : WORDS.checkpointValue(run.checkpointStep)],
    ...(run.best === null ? [] : [[WORDS.best, bestWords(run.best)] as const]),
  ];
  return (
    <dl class="figures run-figures">
      <div>
        <dt>{WORDS.step}</dt>
        <dd data-testid="run-step">{WORDS.of(run.step, run.plan.maxSteps)}</dd>
      </div>
      {rows.map(([term, value]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

interface CheckpointChoiceProps {
  /** Step of the last checkpoint. */
  readonly last: number;
  readonly best: NonNullable<RunSummary['best']>;
  readonly chosen: SavedCheckpoint;
  readonly choose: (which: SavedCheckpoint) => void;
}

function CheckpointChoice({ last, best, chosen, choose }: CheckpointChoiceProps) {
  return (
    <>
      <label for="adapter-which">{WORDS.saveWhich}</label>
      <select
        id="adapter-which"
        data-testid="adapter-which"
        value={chosen}
        onChange={(event) => choose(event.currentTarget.value as SavedCheckpoint)}
      >
        <option value="last">{WORDS.saveLast(last)}</option>
        <option value="best">{WORDS.saveBest(bestWords(best))}</option>
      </select>
    </>
  );
}

/** Once, when the field comes: a callback of each drawing would choose the text again after every key. */
function chooseText(field: HTMLInputElement | null): void {
  field?.focus();
  field?.select();
}

function SaveForm({ run, close }: { readonly run: RunSummary; readonly close: () => void }) {
  const results = useRunResults();
  const commands = useCommands();
  const { best } = run;
  const last = run.checkpointStep ?? run.step;
  const which = useSignal<SavedCheckpoint>('last');
  const stepOf = (chosen: SavedCheckpoint) => (chosen === 'best' && best !== null ? best.step : last);
  const name = useSignal(WORDS.adapterName(run.plan.name, last));
  const choose = (chosen: SavedCheckpoint) => {
    // A name that somebody wrote stays.
    const proposed = name.value === WORDS.adapterName(run.plan.name, stepOf(which.value));
    which.value = chosen;
    if (proposed) name.value = WORDS.adapterName(run.plan.name, stepOf(chosen));
  };
  return (
    <form
      class="save-form"
      onSubmit={(event) => {
        event.preventDefault();
        void results
          .saveAdapter(run.id, name.value.trim(), which.value)
          .then((adapter) => adapter !== null && close());
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') close();
      }}
    >
      {best !== null && best.step !== last && (
        <CheckpointChoice {...{ last, best, choose }} chosen={which.value} />
      )}
      <label for="adapter-name">{WORDS.saveName}</label>
      <input
        id="adapter-name"
        data-testid="adapter-name"
        type="text"
        maxLength={120}
        required
        value={name.value}
        ref={chooseText}
        onInput={(event) => {
          name.value = event.currentTarget.value;
        }}
      />
      <button
        type="submit"
        class="primary"
        data-testid="adapter-save"
        disabled={name.value.trim() === '' || commands.pending.value.has('save')}
      >
        {WORDS.saveNow}
      </button>
      <button type="button" onClick={close}>
        {WORDS.saveCancel}
      </button>
    </form>
  );
}

function SaveAdapter({ run }: { readonly run: RunSummary }) {
  const stored = useStored();
  const asking = useSignal(false);
  const opener = useRef<HTMLButtonElement>(null);
  const saved = stored.adapters.value.find(({ id }) => id === run.adapterId);
  const close = () => {
    asking.value = false;
    opener.current?.focus();
  };
  return (
    <>
      <button
        type="button"
        ref={opener}
        data-testid="save-adapter"
        aria-expanded={asking.value}
        disabled={run.checkpointStep === null}
        onClick={() => {
          asking.value = !asking.value;
        }}
      >
        {WORDS.save}
      </button>
      {asking.value && <SaveForm run={run} close={close} />}
      {saved !== undefined && !asking.value && (
        <span class="hint">
          {WORDS.saved(saved.name)} <a href="#/library">{WORDS.savedLink}</a>
        </span>
      )}
    </>
  );
}

function Controls({ run, status }: { readonly run: RunSummary; readonly status: TrainingStatus | null }) {
  const commands = useCommands();
  const live = useLiveRun();
  const control = useRunControl();
  const pending = commands.pending.value;
  const working = status !== null && isLive(status.state);
  const resumable = mayResume(run, status) && !live.live.value;
  const asked = pending.has('resume') || pending.has('pause') || pending.has('stop') || pending.has('step');
  const label =
    run.checkpointStep === null || run.reason === null || isNotice(run, run.reason)
      ? WORDS.resume
      : WORDS.resumeFrom(run.checkpointStep);
  return (
    <div class="run-controls">
      <button
        key="go"
        type="button"
        data-testid={working ? 'pause' : 'resume'}
        disabled={working ? pending.has('pause') || status.state === 'pausing' : asked || !resumable}
        onClick={() => void (working ? control.pause() : control.resume(run.id))}
      >
        {working ? WORDS.pause : label}
      </button>
      <button
        type="button"
        data-testid="step-once"
        disabled={asked || !resumable}
        onClick={() => void control.stepOnce(run.id)}
      >
        {WORDS.stepOnce}
      </button>
      <button
        type="button"
        data-testid="stop"
        title={WORDS.stopWhy}
        disabled={pending.has('stop') || !(working || (status !== null && run.state === 'paused'))}
        onClick={() => void control.stop()}
      >
        {WORDS.stop}
      </button>
      <SaveAdapter key={run.id} run={run} />
    </div>
  );
}

function Banner({ children, testid }: { readonly children: string; readonly testid?: string }) {
  return (
    <p class="banner banner-restored" data-testid={testid}>
      <Icon name="info" /> {children}
    </p>
  );
}

/** Codes that tell what happened to a run without anything being wrong with it now. */
const NOTICES: readonly string[] = ['train/other-device', 'train/interrupted', 'train/left-out'];

/** True for a reason that is told while the run goes on, or after it came through. */
function isNotice(run: RunSummary, reason: PlainError): boolean {
  return (
    isLive(run.state) || run.state === 'finished' || run.state === 'stopped' || NOTICES.includes(reason.code)
  );
}

/** Why the run stands still or what happened to it, and what can be done besides Resume. */
function Standing({ run, status }: { readonly run: RunSummary; readonly status: TrainingStatus | null }) {
  const form = usePlan();
  const { reason, plan } = run;
  if (isLive(run.state) && status === null) return <Banner>{WORDS.elsewhere}</Banner>;
  // Paused by this tab a moment ago needs no explanation; a run that a closed tab left behind does.
  const waits = run.state === 'paused' || run.state === 'failed';
  if (waits && (reason?.code === 'train/interrupted' || (reason === null && status === null))) {
    return <Banner testid="interrupted">{WORDS.interrupted(run.checkpointStep)}</Banner>;
  }
  if (reason === null) return null;
  if (isNotice(run, reason)) return <Banner>{reason.message}</Banner>;
  const { learningRate } = plan.optim;
  return (
    <ErrorNote error={reason}>
      {reason.code === 'train/not-finite' && (
        <button
          type="button"
          class="quiet"
          onClick={() => {
            form.copyPlan(plan);
            form.setField('optim.learningRate', learningRate / 2);
          }}
        >
          {WORDS.halve}
        </button>
      )}
    </ErrorNote>
  );
}

function Alerts() {
  const shown = useShown();
  const alerts = useComputed(() => alertsOf(shown.record.value?.metrics ?? []));
  if (alerts.value.length === 0) return null;
  return (
    <ul class="run-alerts">
      {alerts.value.map((alert) => (
        <li key={alert} data-alert={alert}>
          <Icon name="warning" /> {ALERT_COPY[alert]}
        </li>
      ))}
    </ul>
  );
}

/** The strip of the shown run. */
export function RunPanel() {
  const shown = useShown();
  const stored = useStored();
  const run = shown.selected.value;
  const status = useStatus(run);
  return (
    <section class="panel run-panel" aria-labelledby="run-title">
      <header class="panel-head">
        <h2 id="run-title">{run === null ? WORDS.title : run.plan.name}</h2>
        <span class="run-state" data-testid="run-state" data-state={run?.state ?? ''}>
          {run !== null && TRAIN_COPY.states[run.state]}
        </span>
      </header>
      {run === null ? (
        <p class="hint">{stored.listed.value ? WORDS.none : WORDS.loading}</p>
      ) : (
        <>
          <progress
            class="run-progress"
            aria-label={WORDS.progress}
            value={run.step}
            max={Math.max(1, run.plan.maxSteps)}
          />
          <Figures run={run} status={status} />
          <Standing run={run} status={status} />
          <Controls run={run} status={status} />
          <Alerts />
          <RunNotes key={run.id} run={run} />
        </>
      )}
      <CommandFailure commands={['open', 'read', 'pause', 'resume', 'step', 'stop', 'save']} />
    </section>
  );
}
