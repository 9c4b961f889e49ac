// Draws how long the sampled answers are, of the step that the inspector shows or of every step whose groups are kept: right
// and wrong ones in one bar, with those that were cut off marked, and the same as a sentence and a table.

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { StepGroups } from '../../worker/protocol/training';
import { type LengthBin, type LengthFact, lengthBins, lengthSummary, lengthsOf } from './length_bins';
import { useRunResults } from './train_context';
import { TRAIN_COPY } from './train_copy';
import '../styles/lengths.css';

const WORDS = TRAIN_COPY.lengths;

/** Lengths of a run's answers, while they are being read and afterwards. */
interface RunLengths {
  readonly lengths: readonly LengthFact[];
  readonly read: number;
  readonly of: number;
}

function Bar({ bin, most }: { readonly bin: LengthBin; readonly most: number }) {
  const part = (count: number) => ({ blockSize: `${(100 * count) / most}%` });
  return (
    <li data-testid="length-bin" data-right={bin.right} data-wrong={bin.wrong}>
      <span class="length-bar" aria-hidden="true">
        {bin.wrong > 0 && <span class="length-wrong" style={part(bin.wrong)} />}
        {bin.right > 0 && <span class="length-right" style={part(bin.right)} />}
      </span>
      <span class="length-cut" aria-hidden="true">
        {bin.cut > 0 ? '✂' : ''}
      </span>
      <span class="length-label" aria-hidden="true">
        {bin.to}
      </span>
      <span class="visually-hidden">{WORDS.bin(bin)}</span>
    </li>
  );
}

/** Reads the lengths of every kept step, one after another, until the component is gone or other steps are asked for. */
function useRunLengths(runId: string | undefined) {
  const results = useRunResults();
  const found = useSignal<RunLengths | null>(null);
  const asked = useSignal(0);
  const forget = () => {
    asked.value += 1;
    found.value = null;
  };
  // Another run has other lengths; nobody waits for those of a panel that is gone.
  useEffect(() => forget, [runId]);
  const count = async (steps: readonly number[]) => {
    if (runId === undefined) return;
    forget();
    const turn = asked.peek();
    const lengths: LengthFact[] = [];
    found.value = { lengths: [], read: 0, of: steps.length };
    for (const [i, step] of steps.entries()) {
      const { groups } = (await results.readGroups(runId, step)) ?? { groups: [] };
      if (asked.peek() !== turn) return;
      lengths.push(...lengthsOf(groups));
      found.value = { lengths: i + 1 === steps.length ? lengths : [], read: i + 1, of: steps.length };
    }
  };
  return { found, count, forget };
}

interface LengthsProps {
  readonly shown: StepGroups;
  readonly runId: string | undefined;
  /** Steps whose groups are kept. */
  readonly steps: readonly number[];
}

/** The histogram. */
export function LengthsFigure({ shown, runId, steps }: LengthsProps) {
  const { found, count, forget } = useRunLengths(runId);
  const run = found.value;
  const reading = run !== null && run.read < run.of;
  const lengths = run === null || reading ? lengthsOf(shown.groups) : run.lengths;
  const bins = lengthBins(lengths);
  const summary = lengthSummary(lengths);
  const most = Math.max(1, ...bins.map(({ right, wrong }) => right + wrong));
  return (
    <figure class="lengths" data-testid="lengths">
      <figcaption>
        <h3>{run === null || reading ? WORDS.ofStep(shown.step) : WORDS.ofRun(run.of)}</h3>
        <span class="row-controls">
          {steps.length > 1 && !reading && (
            <button type="button" class="quiet" data-testid="lengths-run" onClick={() => void count(steps)}>
              {run === null ? WORDS.countRun(steps.length) : WORDS.countAgain(steps.length)}
            </button>
          )}
          {reading && <span class="hint">{WORDS.reading(run.read, run.of)}</span>}
          {run !== null && (
            <button type="button" class="quiet" data-testid="lengths-step" onClick={forget}>
              {reading ? WORDS.stop : WORDS.backToStep}
            </button>
          )}
        </span>
      </figcaption>
      <ol class="length-bars" aria-label={WORDS.title}>
        {bins.map((bin) => (
          <Bar key={bin.to} bin={bin} most={most} />
        ))}
      </ol>
      <p class="hint">
        <span class="length-key length-right" /> {WORDS.right} <span class="length-key length-wrong" />{' '}
        {WORDS.wrong} · {summary === null ? WORDS.none : WORDS.summary(summary)}
      </p>
    </figure>
  );
}
