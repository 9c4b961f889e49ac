// Draws the Lab page: a form for a new evaluation and the list of those that are kept, or the one that the address names.
// Its polite live region speaks of states, never of single waves.

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { formatBytes } from '../../lib/format';
import type { Evaluations } from '../../state/evaluations';
import type { Library } from '../../state/library';
import type { EvaluationSummary } from '../../worker/protocol/evaluation';
import { Confirm } from '../confirm';
import { COPY } from '../copy';
import { Icon } from '../icons';
import { Notice } from '../notice';
import { doneWords, EVALUATION_COPY, planWords } from './evaluation_copy';
import { EvaluationForm } from './evaluation_form';
import { EvaluationResult } from './evaluation_result';
import '../styles/train.css';
import '../styles/library.css';
import '../styles/notice.css';
import '../styles/evaluation.css';

const WORDS = EVALUATION_COPY;

interface LabProps {
  readonly evaluations: Evaluations;
  readonly library: Library;
}

/** What of the Lab an address names: `#/lab/evaluation/ID`; null for its first page. */
export function evaluationOf(hash: string): string | null {
  return /^#\/lab\/evaluation\/([\w-]+)$/.exec(hash)?.[1] ?? null;
}

function useAddress(): string {
  const hash = useSignal(location.hash);
  useEffect(() => {
    const follow = () => {
      hash.value = location.hash;
    };
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, [hash]);
  return hash.value;
}

function Kept({ evaluations, onDelete }: LabProps & { readonly onDelete: (one: EvaluationSummary) => void }) {
  const list = evaluations.list.value;
  return (
    <section class="panel" aria-labelledby="eval-list-title">
      <header class="panel-head">
        <h3 id="eval-list-title">{WORDS.list.title}</h3>
      </header>
      {(list === null || list.length === 0) && (
        <p class="empty">{list === null ? COPY.app.opening : WORDS.list.empty}</p>
      )}
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
  const { evaluations, library } = props;
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

/** The page. */
export function LabPage(props: LabProps) {
  const { evaluations } = props;
  const id = evaluationOf(useAddress());
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (id !== null) heading.current?.focus({ preventScroll: true });
  }, [id]);
  const error = evaluations.error.value;
  return (
    <div class="lab" data-testid="lab-page">
      <header class="page-head">
        {id !== null && (
          <p>
            <a class="quiet-link" href="#/lab">
              ← {WORDS.back}
            </a>
          </p>
        )}
        <h2 ref={heading} tabIndex={-1}>
          {WORDS.title}
        </h2>
        <p class="hint">{WORDS.about}</p>
      </header>
      {error !== null && <Notice error={error} compact retry={null} dismiss={evaluations.dismiss} />}
      <p role="status" class="visually-hidden">
        {evaluations.work.value === null ? '' : WORDS.run.asking}
      </p>
      {id === null ? <FirstPage {...props} /> : <EvaluationResult evaluations={evaluations} id={id} />}
    </div>
  );
}
