// Draws what plays an answer again: that it is recorded, in one line what it does, play and pause, a slider over its
// tokens, and its speed.

import { useComputed } from '@preact/signals';
import { READING_SPEED, type Replay } from '../../state/replay';
import { Icon } from '../icons';
import { playsFirst, setPlaysFirst } from './first_trace';
import { useLook } from './look_context';
import { REPLAY_COPY } from './replay_copy';
import { headlineOf } from './replay_headline';
import '../styles/replay.css';

const SPEEDS = [4, READING_SPEED, 30, 60] as const;

function Controls({ replay }: { readonly replay: Replay }) {
  const total = replay.answer.steps.length;
  const running = replay.running.value;
  const shown = replay.shown.value;
  return (
    <div class="replay-controls">
      <button
        type="button"
        class="quiet"
        data-testid="replay-play"
        onClick={() => (running ? replay.pause() : replay.play())}
      >
        <Icon name={running ? 'pause' : 'play'} /> {running ? REPLAY_COPY.pause : REPLAY_COPY.play}
      </button>
      <button
        type="button"
        class="quiet step"
        aria-label={REPLAY_COPY.back}
        onClick={() => replay.seek(shown - 1)}
      >
        ‹
      </button>
      <input
        type="range"
        aria-label={REPLAY_COPY.position}
        aria-valuetext={REPLAY_COPY.shown(shown, total)}
        min={0}
        max={total}
        step={1}
        value={shown}
        onInput={(event) => replay.seek(event.currentTarget.valueAsNumber)}
      />
      <button
        type="button"
        class="quiet step"
        aria-label={REPLAY_COPY.forth}
        onClick={() => replay.seek(shown + 1)}
      >
        ›
      </button>
      <label>
        <span class="visually-hidden">{REPLAY_COPY.speed}</span>
        <select
          value={replay.speed.value}
          onChange={(event) => replay.setSpeed(Number(event.currentTarget.value))}
        >
          {SPEEDS.map((speed) => (
            <option key={speed} value={speed}>
              {speed}/s
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

/** The bar above an answer that is played again; nothing where none is. */
export function ReplayBar() {
  const look = useLook();
  const headline = useComputed(() => {
    const { answer } = look.session.value;
    return answer === null ? '' : headlineOf(answer);
  });
  const replay = look.replay.value;
  if (replay === null) return null;
  const { recorded, modelLabel, adapterLabel, asked } = replay.answer;
  return (
    <div class="replay" data-testid="replay-bar" data-running={replay.running.value}>
      <p class="replay-headline" data-testid="headline">
        <span class="badge">{recorded ? REPLAY_COPY.recorded : REPLAY_COPY.again}</span> {headline.value}
      </p>
      <p class="replay-question">{REPLAY_COPY.asked(asked.question)}</p>
      <Controls replay={replay} />
      {recorded && (
        <p class="hint">
          {REPLAY_COPY.about(modelLabel, adapterLabel)}{' '}
          <label class="check">
            <input
              type="checkbox"
              checked={playsFirst.value}
              onChange={(event) => setPlaysFirst(event.currentTarget.checked)}
            />
            {REPLAY_COPY.atStart}
          </label>
        </p>
      )}
    </div>
  );
}
