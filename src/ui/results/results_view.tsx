// Draws what of an experiment's results the address names, and on the first page of the Lab the list of experiments.

import { useEffect } from 'preact/hooks';
import type { Results } from '../../state/results';
import { COPY } from '../copy';
import { questionsAddress } from '../evaluation/lab_address';
import { Notice } from '../notice';
import { RESULTS_COPY } from './results_copy';
import { ResultsPage } from './results_page';
import { ResultsQuestions } from './results_questions';

interface ViewProps {
  readonly results: Results;
  readonly name: string;
  /** The questions behind a number; absent for the tables. */
  readonly questions?: { readonly set: string; readonly arms: readonly [first: string, second?: string] };
}

/** An experiment's tables, or the questions behind one of its numbers. */
export function ResultsView({ results, name, questions }: ViewProps) {
  useEffect(() => void results.show(name), [results, name]);
  const error = results.error.value;
  const shown = results.shown.value;
  if (error !== null) return <Notice error={error} compact retry={() => void results.show(name)} />;
  if (shown === null || shown.name !== name) return <p class="empty">{COPY.app.opening}</p>;
  if (questions === undefined) return <ResultsPage results={shown} />;
  const set = shown.sets.find((own) => own.name === questions.set);
  const known = questions.arms.every((arm) => shown.arms.some((own) => own.name === arm));
  if (set === undefined || !known) return <p class="empty">{RESULTS_COPY.unknown}</p>;
  const { arms } = questions;
  return (
    <>
      <p>
        <a class="quiet-link" href={`#/lab/results/${name}`}>
          ← {RESULTS_COPY.back}
        </a>
      </p>
      <ResultsQuestions
        key={questionsAddress(
          name,
          set.name,
          arms.flatMap((arm) => arm ?? []),
        )}
        {...{ set, arms }}
        results={shown}
      />
    </>
  );
}

/** The experiments that ship. */
export function ResultsList({ results }: { readonly results: Results }) {
  useEffect(() => void results.open(), [results]);
  const list = results.list.value;
  return (
    <section class="panel" aria-labelledby="results-list-title">
      <header class="panel-head">
        <h3 id="results-list-title">{RESULTS_COPY.title}</h3>
      </header>
      <p class="hint">{RESULTS_COPY.about}</p>
      {list === null && results.error.value === null && <p class="empty">{COPY.app.opening}</p>}
      {list !== null && list.length === 0 && <p class="empty">{RESULTS_COPY.none}</p>}
      {results.error.value !== null && <p class="empty">{RESULTS_COPY.none}</p>}
      <ul class="items">
        {list?.map(({ name, question }) => (
          <li key={name} class="item" data-testid="results-row" data-name={name}>
            <div>
              <h4>
                <a href={`#/lab/results/${name}`}>{question}</a>
              </h4>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
