// Shows answers to the same held-out questions at each evaluation: the newest, or an earlier one, with format ticks.
// Questions are compared across evaluations by their place.

import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { expectedWords } from '../../answer/expected_answers';
import type { Evaluation } from '../../state/train_run';
import type { SampleFact } from '../../worker/protocol/training';
import { AnswerText, FormatTicks, Verdict } from './answer_text';
import { useShown } from './train_context';
import { TRAIN_COPY } from './train_copy';

const WORDS = TRAIN_COPY.samples;

/** Marks of one question over all evaluations, oldest first: `✗ ✗ ✓`. */
function History({ evaluations, at }: { readonly evaluations: readonly Evaluation[]; readonly at: number }) {
  if (evaluations.length < 2) return null;
  const marks = evaluations.map(({ step, samples }) => ({ step, sample: samples[at] }));
  const said = marks.map(({ sample }) => (sample?.correct ? TRAIN_COPY.right : TRAIN_COPY.wrong)).join(', ');
  return (
    <span class="sample-history">
      <span aria-hidden="true">
        {marks.map(({ step, sample }) => (
          <span key={step} class={sample?.correct ? 'right' : 'wrong'}>
            {sample === undefined ? '·' : sample.correct ? '✓' : '✗'}
          </span>
        ))}
      </span>
      <span class="visually-hidden">{WORDS.history(said)}</span>
    </span>
  );
}

function Sample({ sample, children }: { readonly sample: SampleFact; readonly children: ComponentChildren }) {
  return (
    <li class="sample" data-testid="sample" data-correct={sample.correct} data-format={sample.format}>
      <p class="sample-question">{sample.question}</p>
      <div class="completion-head">
        <Verdict correct={sample.correct} />
        <span>{sample.answer === null ? WORDS.noAnswer : WORDS.got(sample.answer)}</span>
        <span class="hint">{TRAIN_COPY.groups.expected(expectedWords(sample.expected))}</span>
        <FormatTicks text={sample.text} />
        {children}
      </div>
      <AnswerText text={sample.text} />
    </li>
  );
}

/** The samples panel. */
export function SamplesPanel() {
  const evaluations = useShown().record.value?.evaluations ?? [];
  const chosen = useSignal<number | null>(null);
  const shown = evaluations.find(({ step }) => step === chosen.value) ?? evaluations.at(-1);
  return (
    <section class="panel samples-panel" aria-labelledby="samples-title">
      <header class="panel-head">
        <h2 id="samples-title">{WORDS.title}</h2>
        {evaluations.length > 1 && shown !== undefined && (
          <label class="check">
            {WORDS.at}
            <select
              value={String(shown.step)}
              onChange={(event) => {
                const step = Number(event.currentTarget.value);
                chosen.value = step === evaluations.at(-1)?.step ? null : step;
              }}
            >
              {evaluations.map(({ step }) => (
                <option key={step} value={String(step)}>
                  {WORDS.step(step)}
                </option>
              ))}
            </select>
          </label>
        )}
      </header>
      {shown === undefined ? (
        <p class="hint">{WORDS.empty}</p>
      ) : (
        <>
          <p class="hint">
            {`${WORDS.step(shown.step)}: ${WORDS.score(shown.samples.filter((one) => one.correct).length, shown.samples.length)}. ${WORDS.about}`}
          </p>
          <ol class="samples">
            {shown.samples.map((sample, i) => (
              // Questions are compared by their place.
              <Sample key={i} sample={sample}>
                <History evaluations={evaluations} at={i} />
              </Sample>
            ))}
          </ol>
        </>
      )}
    </section>
  );
}
