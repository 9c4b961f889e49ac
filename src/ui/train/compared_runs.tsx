// Names the runs that the curves compare: the letter and line of each, where it is, in which settings it is unlike the shown
// one, and a way to take it out again; and all those settings side by side.

import { useComputed } from '@preact/signals';
import type { ComparedRun } from '../../state/train_compare';
import { LineKey } from './curve_figure';
import { RUN_LOOKS } from './curve_lines';
import { type DifferingRow, differingRows, type PlanNames } from './plan_differences';
import { useCompare, usePlanModels, useStored } from './train_context';
import { RUN_LETTERS, TRAIN_COPY } from './train_copy';

const WORDS = TRAIN_COPY.compared;
/** Differing settings that the line of a run tells; the table has all. */
const TOLD = 3;

/** Names of what plans refer to by id. */
export function usePlanNames(): PlanNames {
  const stored = useStored();
  const { models } = usePlanModels();
  return { models: models.value, adapters: stored.adapters.value, datasets: stored.datasets.value };
}

/** `Steps 40, Learning rate 0.0001 and 2 more`: what of the run at `at` is unlike the first. */
function unlikeText(rows: readonly DifferingRow[], at: number): string {
  const own = rows.filter(({ values }) => values[at] !== values[0]);
  const told = own.slice(0, TOLD).map(({ label, values }) => `${label}: ${values[at]}`);
  return WORDS.unlike(told, own.length - told.length);
}

function RunLine({ run, at, rows }: { run: ComparedRun; at: number; rows: readonly DifferingRow[] }) {
  const compare = useCompare();
  const { plan, state, step } = run.summary;
  const letter = RUN_LETTERS[at] ?? '';
  const where = run.record === null ? WORDS.reading : TRAIN_COPY.runs.steps(step, plan.maxSteps);
  return (
    <li class="compared-run" data-testid="compared-run" data-run-id={run.summary.id}>
      <LineKey look={RUN_LOOKS[at] ?? 'first'} />
      <b>{letter}</b>
      <span class="compared-what">
        <span>
          {plan.name}{' '}
          <span class="hint">
            {[TRAIN_COPY.runs.methods[plan.method], TRAIN_COPY.states[state], where].join(' · ')}
          </span>
        </span>
        <span class="hint">{at === 0 ? WORDS.shown : unlikeText(rows, at)}</span>
      </span>
      {at > 0 && (
        <button
          type="button"
          class="quiet"
          aria-label={WORDS.takeOutOf(letter, plan.name)}
          onClick={() => compare.toggle(run.summary.id)}
        >
          {WORDS.takeOut}
        </button>
      )}
    </li>
  );
}

function SettingsTable({ rows, count }: { readonly rows: readonly DifferingRow[]; readonly count: number }) {
  return (
    <details class="compared-settings" data-testid="compared-settings">
      <summary class="hint">{WORDS.settings(rows.length)}</summary>
      <section
        class="table-scroll"
        aria-label={WORDS.settingsName}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
        tabIndex={0}
      >
        <table>
          <thead>
            <tr>
              <th scope="col">{WORDS.setting}</th>
              {RUN_LETTERS.slice(0, count).map((letter) => (
                <th key={letter} scope="col">
                  {letter}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ id, label, values }) => (
              <tr key={id}>
                <th scope="row">{label}</th>
                {values.map((value, at) => (
                  <td key={RUN_LETTERS[at]} class={value === values[0] ? '' : 'unlike'}>
                    {value}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </details>
  );
}

/** The runs of the comparison. */
export function ComparedRuns() {
  const compare = useCompare();
  const names = usePlanNames();
  const runs = compare.runs.value;
  // The plans change with the runs that are compared, not with their steps.
  const plans = useComputed(() => compare.runs.value.map(({ summary }) => summary.plan));
  const rows = differingRows(plans.value, names);
  return (
    <div class="compared-runs">
      <ul aria-label={WORDS.title}>
        {runs.map((run, at) => (
          <RunLine key={run.summary.id} run={run} at={at} rows={rows} />
        ))}
      </ul>
      {rows.length > 0 && <SettingsTable rows={rows} count={runs.length} />}
      <button type="button" class="quiet" data-testid="compare-end" onClick={compare.clear}>
        {WORDS.end}
      </button>
    </div>
  );
}
