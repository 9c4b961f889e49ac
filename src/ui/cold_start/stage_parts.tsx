// Draws what the stages of a cold start have in common: a card with its heading, examples, and the asking of the model
// with its progress.

import type { ComponentChildren } from 'preact';
import { expectedWords } from '../../answer/expected_answers';
import type { ColdStart } from '../../state/cold_start';
import type { ColdStartText, ModelStage } from '../../worker/protocol/cold_start';
import { COPY } from '../copy';
import { useLook } from '../look/look_context';
import { AnswerText, Verdict } from '../train/answer_text';
import { COLD_START_COPY, exchangeWords, workWords } from './cold_start_copy';

/** A stage with its heading. */
export function StageCard({
  name,
  title,
  children,
}: {
  readonly name: string;
  readonly title: string;
  readonly children: ComponentChildren;
}) {
  return (
    <section class="panel cold-stage" aria-labelledby={`cold-${name}-title`} data-testid={`stage-${name}`}>
      <header class="panel-head">
        <h3 id={`cold-${name}-title`}>{title}</h3>
      </header>
      {children}
    </section>
  );
}

/** A few texts, folded; nothing where there are none. */
export function StageExamples({ examples }: { readonly examples: readonly ColdStartText[] }) {
  if (examples.length === 0) return null;
  return (
    <details class="cold-examples">
      <summary>{COLD_START_COPY.examples}</summary>
      <ul>
        {examples.map(({ id, question, expected, text, correct }) => (
          <li key={id}>
            <p>
              {question} <span class="hint">{COLD_START_COPY.expected(expectedWords(expected))}</span>{' '}
              {correct !== null && <Verdict correct={correct} />}
            </p>
            <AnswerText text={text} />
          </li>
        ))}
      </ul>
    </details>
  );
}

/** The button that asks the model for a stage; while it is asked, how far it is, and how to pause it. */
export function AskModel({
  coldStart,
  stage,
  label,
  disabled,
}: {
  readonly coldStart: ColdStart;
  readonly stage: ModelStage;
  readonly label: string;
  readonly disabled: boolean;
}) {
  const { load } = useLook().session.value;
  const work = coldStart.work.value;
  if (work === null || work.stage !== stage)
    return (
      <button
        type="button"
        class="primary"
        data-testid={`cold-run-${stage}`}
        disabled={disabled || coldStart.locked.value}
        onClick={() => void coldStart.run(stage)}
      >
        {label}
      </button>
    );
  const exchange = coldStart.exchange.value;
  const words = exchange === null ? workWords(work) : exchangeWords(exchange, coldStart.view.value);
  const [done, total] = exchange === null ? [work.done, work.total] : [load?.loaded ?? 0, load?.total ?? 0];
  return (
    <div class="cold-work">
      {total === 0 ? (
        <progress aria-label={words} />
      ) : (
        <progress aria-label={words} value={done} max={total} />
      )}
      <span class="hint" data-testid="cold-work">
        {words}
      </span>
      {exchange !== 'back' && (
        <button type="button" data-testid="cold-pause" onClick={() => void coldStart.pause()}>
          {exchange === null ? COLD_START_COPY.rollouts.pause : COPY.app.cancel}
        </button>
      )}
    </div>
  );
}
