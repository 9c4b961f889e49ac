// Shows the group inspector of GRPO: questions of a step, every sampled answer with its rewards and advantage. It follows
// the newest step, or stays at one that a person holds or turned to, whatever arrives.

import { type Signal, useComputed, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { expectedWords } from '../../answer/expected_answers';
import {
  type AdvantageSettings,
  type AdvantageTerms,
  advantageTerms,
} from '../../settings/advantage_scaling';
import type { CompletionFact, GroupFact, StepGroups } from '../../worker/protocol/training';
import { BlobImage } from '../blob_image';
import { AnswerText, FormatTicks, Verdict } from './answer_text';
import { CommandFailure } from './failure_note';
import { metricText, scoreText, signedText } from './figures_text';
import { LengthsFigure } from './lengths_figure';
import { useRunResults, useShown } from './train_context';
import { TRAIN_COPY } from './train_copy';

const WORDS = TRAIN_COPY.groups;
/** Width of an advantage's bar per unit; advantages beyond ±2.5 fill it. */
const BAR_PER_UNIT = 20;

/** Longest stretch of an answer that a reason shows. */
const SHOWN = 80;

function shortened(text: string): string {
  const tidy = text.trim();
  return tidy.length > SHOWN ? `${tidy.slice(0, SHOWN)}…` : tidy;
}

function Advantage({ value }: { readonly value: number }) {
  const length = Math.min(50, Math.abs(value) * BAR_PER_UNIT);
  return (
    <span class="advantage">
      <span class="advantage-bar" aria-hidden="true">
        <span
          class={value < 0 ? 'minus' : 'plus'}
          style={{ inlineSize: `${length}%`, insetInlineStart: `${value < 0 ? 50 - length : 50}%` }}
        />
      </span>
      <b>{signedText(value)}</b>
    </span>
  );
}

function Completion({
  completion,
  number,
  terms,
}: {
  readonly completion: CompletionFact;
  readonly number: number;
  readonly terms: AdvantageTerms | null;
}) {
  const { text, correct, tokens, truncated, rewards, reasons = {}, reward, advantage, format } = completion;
  return (
    <li class="completion" data-testid="completion" data-correct={correct} data-format={format}>
      <div class="completion-head">
        <h3>{WORDS.completion(number)}</h3>
        <Verdict correct={correct} />
        <FormatTicks text={text} />
        <span class="hint">
          {TRAIN_COPY.formats[format]}, {WORDS.tokens(tokens)}
          {truncated && <em> {WORDS.cut}</em>}
        </span>
      </div>
      <dl class="completion-scores">
        {Object.entries(rewards).map(([name, value]) => (
          <div key={name} data-reward={name}>
            <dt>{name}</dt>
            <dd>{scoreText(value)}</dd>
          </div>
        ))}
        <div data-reward="total">
          <dt>{WORDS.reward}</dt>
          <dd>{scoreText(reward)}</dd>
        </div>
        <div>
          <dt>{WORDS.advantage}</dt>
          <dd>
            <Advantage value={advantage} />
            {terms !== null && (
              <span class="hint" data-testid="advantage-formula">
                {WORDS.formula(reward, terms)}
              </span>
            )}
          </dd>
        </div>
      </dl>
      <ul class="completion-reasons">
        {Object.entries(reasons).map(([name, { why, span }]) => (
          <li key={name} data-reason={name}>
            <b>{name}</b> {why}
            {span !== null && <q class="mono">{shortened(text.slice(span.start, span.end))}</q>}
          </li>
        ))}
      </ul>
      <AnswerText text={text} />
    </li>
  );
}

function Group({
  group,
  first,
  scaling,
}: {
  readonly group: GroupFact;
  readonly first: boolean;
  /** How the run divides advantages; null where it is not known. */
  readonly scaling: AdvantageSettings | null;
}) {
  const open = useSignal(first);
  const { question, expected, dropped, completions, image } = group;
  const right = completions.filter(({ correct }) => correct).length;
  const mean = completions.reduce((sum, { reward }) => sum + reward, 0) / Math.max(1, completions.length);
  const rewards = completions.map(({ reward }) => reward);
  const terms = scaling === null || rewards.length < 2 ? null : advantageTerms(rewards, scaling);
  return (
    <details
      class="group"
      data-testid="group"
      data-dropped={dropped ?? ''}
      open={open.value}
      onToggle={(event) => {
        open.value = event.currentTarget.open;
      }}
    >
      <summary>
        <span class="group-question">{question}</span>
        <span class="hint">
          {WORDS.summary(right, completions.length, metricText(mean, 'number'))}
          {dropped !== null && <span class="badge">{WORDS.droppedMark}</span>}
        </span>
      </summary>
      {open.value && (
        <div class="group-body">
          <div class="group-prompt">
            {image !== null && <BlobImage blob={image} alt={WORDS.picture} size={96} />}
            <div>
              <p>{WORDS.expected(expectedWords(expected))}</p>
              {terms !== null && scaling !== null && (
                <p class="hint" data-testid="advantage-terms">
                  {WORDS.terms(terms, scaling)}
                </p>
              )}
              {dropped !== null && <p class="hint">{WORDS.dropped[dropped]}</p>}
            </div>
          </div>
          <ol class="completions">
            {completions.map((completion, i) => (
              // Answers have no other identity than their place in the sample.
              <Completion key={i} completion={completion} number={i + 1} terms={terms} />
            ))}
          </ol>
        </div>
      )}
    </details>
  );
}

/** Which groups are shown. */
type GroupFilter = keyof typeof WORDS.filters;

const FILTERS: Readonly<Record<GroupFilter, (group: GroupFact) => boolean>> = {
  all: () => true,
  mixed: ({ completions }) => new Set(completions.map(({ correct }) => correct)).size > 1,
  lookedBack: ({ completions }) => completions.some(({ format }) => format === 'back'),
  dropped: ({ dropped }) => dropped !== null,
};

/** Buttons to the kept step before and after the one that is shown. */
function StepPager({
  step,
  steps,
  turnTo,
}: {
  readonly step: number;
  readonly steps: readonly number[];
  readonly turnTo: (step: number) => void;
}) {
  const before = steps.findLast((one) => one < step);
  const after = steps.find((one) => one > step);
  const button = (label: string, sign: string, to: number | undefined) => (
    <button
      type="button"
      class="quiet"
      aria-label={label}
      disabled={to === undefined}
      onClick={() => to !== undefined && turnTo(to)}
    >
      {sign}
    </button>
  );
  return (
    <span class="row-controls" data-testid="groups-pager">
      {button(WORDS.earlier, '←', before)}
      <span class="hint">{WORDS.keptSteps(steps.filter((one) => one <= step).length, steps.length)}</span>
      {button(WORDS.later, '→', after)}
    </span>
  );
}

function Controls({
  filter,
  held,
  newest,
}: {
  readonly filter: Signal<GroupFilter>;
  readonly held: Signal<StepGroups | null>;
  readonly newest: StepGroups;
}) {
  return (
    <>
      <label class="check">
        {WORDS.filter}
        <select
          data-testid="groups-filter"
          value={filter.value}
          onChange={(event) => {
            filter.value = event.currentTarget.value as GroupFilter;
          }}
        >
          {Object.entries(WORDS.filters).map(([name, label]) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <label class="check">
        <input
          type="checkbox"
          data-testid="hold"
          checked={held.value !== null}
          onChange={(event) => {
            held.value = event.currentTarget.checked ? newest : null;
          }}
        />
        {WORDS.hold}
      </label>
      {held.value !== null && newest.step > held.value.step && (
        <span class="hint">{WORDS.held(newest.step)}</span>
      )}
    </>
  );
}

/** The inspector; only for GRPO. */
export function GroupsPanel() {
  const { record, selected } = useShown();
  const results = useRunResults();
  const grpo = selected.value?.plan.method === 'grpo' ? selected.value.plan.grpo : null;
  const scaling = grpo && { scaling: grpo.scaleRewards, floor: grpo.stdFloor };
  const newest = useComputed(() => record.value?.groups ?? null);
  const held = useSignal<StepGroups | null>(null);
  const filter = useSignal<GroupFilter>('all');
  const gone = useSignal(false);
  const runId = record.value?.runId;
  // Another run lets go of what was held.
  useEffect(() => {
    held.value = null;
  }, [runId, held]);
  const turnTo = async (step: number) => {
    if (runId === undefined) return;
    const found = await results.readGroups(runId, step);
    if (record.peek()?.runId !== runId) return;
    gone.value = found === null;
    if (found !== null) held.value = found;
  };
  const shown = held.value ?? newest.value;
  const passing = shown?.groups.filter(FILTERS[filter.value]) ?? [];
  return (
    <section class="panel groups-panel" aria-labelledby="groups-title" data-step={shown?.step ?? ''}>
      <header class="panel-head">
        <h2 id="groups-title">{shown === null ? WORDS.title : WORDS.stepTitle(shown.step)}</h2>
        {shown !== null && (
          <StepPager
            step={shown.step}
            steps={record.value?.groupSteps ?? []}
            turnTo={(step) => void turnTo(step)}
          />
        )}
        {newest.value !== null && <Controls {...{ filter, held }} newest={newest.value} />}
      </header>
      <p class="hint">{shown === null ? WORDS.empty : WORDS.about}</p>
      <CommandFailure commands={['groups']} />
      {gone.value && <p class="hint">{WORDS.gone}</p>}
      {shown !== null && <LengthsFigure shown={shown} runId={runId} steps={record.value?.groupSteps ?? []} />}
      {shown !== null && passing.length === 0 && <p class="empty">{WORDS.noneSuch}</p>}
      {passing.map((group, i) => (
        <Group key={i} group={group} first={i === 0} scaling={scaling} />
      ))}
    </section>
  );
}
