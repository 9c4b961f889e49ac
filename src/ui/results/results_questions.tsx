// Draws the questions behind a number of an experiment: a list by filter with the outcome of one arm or two, seed by seed,
// and a dialog with a question's picture and every arm's outcome, which opens on the Look page. Questions and pictures are
// drawn again from their numbers, as the experiment drew them.

import { type Signal, useComputed, useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { splitSample } from '../../data/world/split_questions';
import type { WorldSample } from '../../data/world/world_sample';
import {
  type ArmOutcome,
  filteredOutcomes,
  type OutcomeFilter,
  outcomesOf,
  type QuestionOutcomes,
  type ShippedExperiment,
  type ShippedSet,
} from '../../state/shipped_experiment';
import { BlobImage } from '../blob_image';
import { Modal } from '../confirm';
import { openInLook } from '../evaluation/open_in_look';
import { useLook } from '../look/look_context';
import { Pager } from '../pager';
import { WideTable } from '../wide_table';
import { RESULTS_COPY } from './results_copy';

const WORDS = RESULTS_COPY;
const PAGE = 50;
const PICTURE_SIZE = 192;

type ArmNames = readonly [first: string, second?: string];

interface QuestionsProps {
  readonly results: ShippedExperiment;
  readonly set: ShippedSet;
  readonly arms: ArmNames;
}

/** A mark for each seed; words for those who hear the page. */
function Marks({ outcome }: { readonly outcome: ArmOutcome | undefined }) {
  if (outcome === undefined) return <span class="hint">{WORDS.notRun}</span>;
  return (
    <>
      {outcome.seeds.map(({ seed, correct, lookedBack }) => (
        <span key={seed ?? 'base'} class={correct ? 'verdict right' : 'verdict wrong'}>
          <span aria-hidden="true">
            {correct ? '✓' : '✗'}
            {lookedBack ? '↩' : ''}{' '}
          </span>
          <span class="visually-hidden">{WORDS.marks(correct, lookedBack)} </span>
        </span>
      ))}
    </>
  );
}

/** The picture of a question as a file. */
function usePicture(sample: WorldSample): Blob | null {
  const picture = useSignal<Blob | null>(null);
  useEffect(() => {
    let current = true;
    const drawn = async () => {
      const [{ encodePng }, { IMAGE_SIDE }] = await Promise.all([
        import('../../data/image/decode_image'),
        import('../../data/world/grid'),
      ]);
      const pixels = { width: IMAGE_SIDE, height: IMAGE_SIDE, channels: 3, data: sample.image() } as const;
      const file = await encodePng(pixels);
      if (current) picture.value = file;
    };
    void drawn();
    return () => {
      current = false;
    };
  }, [sample, picture]);
  return picture.value;
}

/** Every arm's outcome at a question, with the way to the Look page; `open` is null until there is a picture. */
function EveryArm({
  results,
  arms,
  outcomes,
  open,
}: Pick<QuestionsProps, 'results' | 'arms'> & {
  readonly outcomes: QuestionOutcomes;
  readonly open: ((arm: string) => void) | null;
}) {
  return (
    <table class="eval-figures" data-testid="results-arms">
      <caption class="visually-hidden">{WORDS.everyArm}</caption>
      <tbody>
        {results.arms.map(({ name, says, base }) => (
          <tr key={name} data-here={arms.includes(name)}>
            <th scope="row">{says}</th>
            <td>
              <Marks outcome={outcomes.arms.find(({ arm }) => arm === name)} />
            </td>
            <td>
              <button
                type="button"
                class="quiet"
                data-testid="results-look"
                disabled={open === null}
                aria-label={`${WORDS.look}: ${says}`}
                title={base ? WORDS.lookBase : WORDS.lookTrained}
                onClick={() => open?.(name)}
              >
                {WORDS.look}
              </button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Question({
  results,
  set,
  arms,
  outcomes,
  close,
}: QuestionsProps & { readonly outcomes: QuestionOutcomes; readonly close: () => void }) {
  const look = useLook();
  const { index } = outcomes;
  const sample = useMemo(() => splitSample(set, index), [set, index]);
  const picture = usePicture(sample);
  const { text: question, answer: expected } = sample;
  const open = (name: string) => {
    const arm = results.arms.find((own) => own.name === name);
    if (arm === undefined || picture === null) return;
    close();
    const chosen = look.adapter.value;
    const opened = { image: picture, imageName: `${set.name} ${index + 1}`, question, expected };
    void openInLook(look, opened, { adapter: arm.base ? null : chosen, mode: arm.mode });
  };
  return (
    <Modal title={WORDS.open(index)} onClose={close}>
      <div class="eval-question">
        {picture !== null && <BlobImage blob={picture} alt={WORDS.picture(index)} size={PICTURE_SIZE} />}
        <p>
          {question} <span class="hint">{`${WORDS.expected}: ${expected}`}</span>
        </p>
      </div>
      <EveryArm {...{ results, arms, outcomes }} open={picture === null ? null : open} />
      <p class="hint">{WORDS.lookTrained}</p>
      <button type="button" data-testid="results-close" onClick={close}>
        {WORDS.close}
      </button>
    </Modal>
  );
}

function Rows({
  rows,
  open,
  ...props
}: QuestionsProps & {
  readonly rows: readonly QuestionOutcomes[];
  readonly open: (one: QuestionOutcomes) => void;
}) {
  const { results, set, arms } = props;
  const says = (name: string) => results.arms.find((arm) => arm.name === name)?.says ?? name;
  const names = arms.filter((name) => name !== undefined);
  return (
    <WideTable label={WORDS.question}>
      <table class="eval-items" data-testid="results-questions">
        <thead>
          <tr>
            {[WORDS.question, WORDS.expected, ...names.map(says)].map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((one) => {
            const { text, answer } = splitSample(set, one.index);
            return (
              <tr key={one.index} data-testid="results-question" data-index={one.index}>
                <td>
                  <button
                    type="button"
                    class="quiet-link"
                    aria-label={`${WORDS.open(one.index)}: ${text}`}
                    onClick={() => open(one)}
                  >
                    {text}
                  </button>
                </td>
                <td>{answer}</td>
                {names.map((name) => (
                  <td key={name}>
                    <Marks outcome={one.arms.find(({ arm }) => arm === name)} />
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </WideTable>
  );
}

function Filter({
  filter,
  paired,
  changed,
}: {
  readonly filter: Signal<OutcomeFilter>;
  readonly paired: boolean;
  readonly changed: () => void;
}) {
  const filters: readonly OutcomeFilter[] = paired
    ? ['all', 'gained', 'lost']
    : ['all', 'right', 'wrong', 'lookedBack'];
  return (
    <label class="check">
      {WORDS.filter}{' '}
      <select
        data-testid="results-filter"
        value={filter.value}
        onChange={(event) => {
          filter.value = event.currentTarget.value as OutcomeFilter;
          changed();
        }}
      >
        {filters.map((name) => (
          <option key={name} value={name}>
            {WORDS.filters[name]}
          </option>
        ))}
      </select>
    </label>
  );
}

/** The list with its filter. */
export function ResultsQuestions(props: QuestionsProps) {
  const { results, set, arms } = props;
  const paired = arms[1] !== undefined;
  const filter = useSignal<OutcomeFilter>(paired ? 'gained' : 'wrong');
  const offset = useSignal(0);
  const opened = useSignal<QuestionOutcomes | null>(null);
  const all = useMemo(() => outcomesOf(results, set), [results, set]);
  const passing = useComputed(() => filteredOutcomes(all, filter.value, arms));
  const total = passing.value.length;
  const show = (next: number) => {
    offset.value = next;
  };
  const names = arms.flatMap((name) => results.arms.find((arm) => arm.name === name)?.says ?? []);
  return (
    <section class="panel" aria-labelledby="results-questions-title">
      <header class="panel-head">
        <h3 id="results-questions-title">{WORDS.questionsOf(`${names.join(' → ')}, ${set.name}`)}</h3>
        <Filter {...{ filter, paired }} changed={() => show(0)} />
      </header>
      {total === 0 ? (
        <p class="empty">{WORDS.noneSuch}</p>
      ) : (
        <Rows
          {...props}
          rows={passing.value.slice(offset.value, offset.value + PAGE)}
          open={(one) => {
            opened.value = one;
          }}
        />
      )}
      <Pager offset={offset.value} total={total} page={PAGE} show={show} />
      {opened.value !== null && (
        <Question
          {...props}
          outcomes={opened.value}
          close={() => {
            opened.value = null;
          }}
        />
      )}
    </section>
  );
}
