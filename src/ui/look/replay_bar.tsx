// Draws what plays an answer again: play and pause, a slider over its tokens, its speed, and what a recording is.

import { READING_SPEED } from '../../state/reading_pace';
import type { Replay } from '../../state/replay';
import { Icon } from '../icons';
import { playsFirst, setPlaysFirst } from './first_trace';
import { useLook } from './look_context';
import { REPLAY_COPY } from './replay_copy';
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

/** What a recording is, and whether it plays when the page opens. */
function About({ replay }: { readonly replay: Replay }) {
  const { modelLabel, adapterLabel } = replay.answer;
  return (
    <details class="about">
      <summary aria-label={REPLAY_COPY.aboutTitle} title={REPLAY_COPY.aboutTitle}>
        <Icon name="info" />
      </summary>
      <div class="about-text">
        <p>{REPLAY_COPY.about(modelLabel, adapterLabel)}</p>
        <label class="check">
          <input
            type="checkbox"
            checked={playsFirst.value}
            onChange={(event) => setPlaysFirst(event.currentTarget.checked)}
          />
          {REPLAY_COPY.atStart}
        </label>
      </div>
    </details>
  );
}

/** The bar of an answer that is played again; nothing where none is. */
export function ReplayBar() {
  const replay = useLook().replay.value;
  if (replay === null) return null;
  return (
    <div class="replay" data-testid="replay-bar" data-running={replay.running.value}>
      <Controls replay={replay} />
      {replay.answer.recorded && <About replay={replay} />}
    </div>
  );
}
