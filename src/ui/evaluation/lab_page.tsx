// Draws the Lab page: a form for a new evaluation, the list of those that are kept and the experiments that
// ship; or what of these the address names.
// Its polite live region speaks of states, never of single waves.

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { formatBytes } from '../../lib/format';
import type { Evaluations } from '../../state/evaluations';
import type { Library } from '../../state/library';
import type { Results } from '../../state/results';
import type { EvaluationSummary } from '../../worker/protocol/evaluation';
import { Confirm } from '../confirm';
import { Icon } from '../icons';
import { Opening } from '../lazy_page';
import { Notice } from '../notice';
import { ResultsList, ResultsView } from '../results/results_view';
import { doneWords, EVALUATION_COPY, planWords } from './evaluation_copy';
import { EvaluationForm } from './evaluation_form';
import { EvaluationResult } from './evaluation_result';
import { useLabAddress } from './lab_address';
import '../styles/train.css';
import '../styles/library.css';
import '../styles/notice.css';
import '../styles/evaluation.css';

const WORDS = EVALUATION_COPY;

interface LabProps {
  readonly evaluations: Evaluations;
  readonly library: Library;
  readonly results: Results;
}

function Kept({ evaluations, onDelete }: LabProps & { readonly onDelete: (one: EvaluationSummary) => void }) {
  const list = evaluations.list.value;
  return (
    <section class="panel" aria-labelledby="eval-list-title">
      <header class="panel-head">
        <h3 id="eval-list-title">{WORDS.list.title}</h3>
      </header>
      {list === null && <Opening />}
      {list?.length === 0 && <p class="empty">{WORDS.list.empty}</p>}
      <ul class="items">
        {list?.map((one) => (
          <li key={one.id} class="item" data-testid="eval-row" data-id={one.id}>
            <div>
              <h4>
                <a href={`#/lab/evaluation/${one.id}`}>{planWords(one)}</a>
              </h4>
              <p class="hint">
                {doneWords(one)}, {formatBytes(one.bytes)}, {new Date(one.createdAt).toLocaleString()}
              </p>
            </div>
            <div class="item-actions">
              <button
                type="button"
                class="quiet"
                aria-label={`${WORDS.list.delete}: ${planWords(one)}`}
                disabled={evaluations.work.value?.id === one.id}
                onClick={() => onDelete(one)}
              >
                <Icon name="delete" /> {WORDS.list.delete}
              </button>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

function FirstPage(props: LabProps) {
  const { evaluations, library, results } = props;
  const doomed = useSignal<EvaluationSummary | null>(null);
  useEffect(() => {
    void evaluations.open();
    void library.refresh();
  }, [evaluations, library]);
  const one = doomed.value;
  const close = () => {
    doomed.value = null;
  };
  return (
    <>
      <EvaluationForm {...props} />
      <Kept
        {...props}
        onDelete={(chosen) => {
          doomed.value = chosen;
        }}
      />
      <ResultsList results={results} />
      {one !== null && (
        <Confirm
          title={WORDS.list.deleteTitle}
          yes={WORDS.list.deleteYes}
          onNo={close}
          onYes={() => {
            close();
            void evaluations.discard(one.id);
          }}
        >
          <p>{WORDS.list.deleteWhat(planWords(one), one.bytes)}</p>
        </Confirm>
      )}
    </>
  );
}

/** What the address names. */
function Named({ evaluations, library, results }: LabProps) {
  const address = useLabAddress();
  switch (address.page) {
    case 'first':
      return <FirstPage {...{ evaluations, library, results }} />;
    case 'evaluation':
      return <EvaluationResult evaluations={evaluations} id={address.id} />;
    case 'results':
      return <ResultsView results={results} name={address.name} />;
    case 'questions':
      return <ResultsView results={results} name={address.name} questions={address} />;
  }
}

/** The page. */
export function LabPage(props: LabProps) {
  const { evaluations } = props;
  const { page } = useLabAddress();
  const inner = page !== 'first';
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (inner) heading.current?.focus({ preventScroll: true });
  }, [inner]);
  const error = evaluations.error.value;
  return (
    <div class="lab" data-testid="lab-page">
      <header class="page-head">
        {inner && (
          <p>
            <a class="quiet-link" href="#/lab">
              ← {WORDS.back}
            </a>
          </p>
        )}
        <h2 ref={heading} tabIndex={-1}>
          {WORDS.headings[page]}
        </h2>
        {!inner && <p class="hint">{WORDS.about}</p>}
      </header>
      {error !== null && <Notice error={error} compact retry={null} dismiss={evaluations.dismiss} />}
      <p role="status" class="visually-hidden">
        {evaluations.work.value === null ? '' : WORDS.run.asking}
      </p>
      <Named {...props} />
    </div>
  );
}
