// Shows the figures of an answer: speed, time to the first token, tokens, seed, model and device. Until the engine
// reports its own figures the page's clock is used, and nothing is shown that was not measured.

import { useComputed } from '@preact/signals';
import { percent } from '../../state/attention_view';
import type { Look } from '../../state/look';
import type { Answer } from '../../state/session';
import { COPY } from '../copy';
import { useLook } from './look_context';

/** `1.24 s`, `310 ms`. */
export function duration(ms: number): string {
  return ms >= 1000 ? `${(ms / 1000).toFixed(2)} s` : `${Math.round(ms)} ms`;
}

function speed(look: Look): string {
  const { answer } = look.session.value;
  const stats = answer?.result?.stats;
  if (stats) return stats.generatedTokens > 1 ? stats.tokensPerSecond.toFixed(1) : COPY.figures.none;
  const timing = look.timing.value;
  const count = timing?.tokens ?? 0;
  if (!timing || timing.firstTokenAt === null || timing.lastTokenAt === null) return COPY.figures.none;
  const seconds = (timing.lastTokenAt - timing.firstTokenAt) / 1000;
  return count > 1 && seconds > 0 ? ((count - 1) / seconds).toFixed(1) : COPY.figures.none;
}

function firstToken(look: Look): string {
  const stats = look.session.value.answer?.result?.stats;
  if (stats) return stats.generatedTokens > 0 ? duration(stats.timeToFirstTokenMs) : COPY.figures.none;
  const timing = look.timing.value;
  if (!timing || timing.firstTokenAt === null) return COPY.figures.none;
  return duration(timing.firstTokenAt - timing.askedAt);
}

function adapterRow({ adapterLabel, asked }: Answer): [string, string, string][] {
  if (adapterLabel === null || asked.adapter === null) return [];
  const value = COPY.adapter.withStrength(adapterLabel, asked.adapter.strength);
  return [['adapter', COPY.figures.adapter, value]];
}

function rows(look: Look): readonly (readonly [string, string, string])[] {
  const { answer, device } = look.session.value;
  if (answer === null) return [];
  const { seed, temperature } = answer.asked;
  const inBack = look.bands.value.reduce((sum, band) => sum + band.to - band.from + 1, 0);
  const share = answer.steps.length > 0 ? percent(inBack / answer.steps.length) : COPY.figures.none;
  return [
    ['speed', COPY.figures.speed, `${speed(look)} ${COPY.figures.speedUnit}`],
    ['first', COPY.figures.first, firstToken(look)],
    ['tokens', COPY.figures.tokens, COPY.figures.of(answer.steps.length, answer.prompt?.promptTokens ?? 0)],
    ['in-back', COPY.figures.inBack, share],
    ['seed', COPY.figures.seed, temperature === 0 ? COPY.figures.greedySeed(seed) : String(seed)],
    ['model', COPY.figures.model, answer.modelLabel],
    ...adapterRow(answer),
    [
      'device',
      COPY.figures.device,
      // A recorded answer does not say where it was given.
      device && !answer.recorded
        ? `${device.description}${device.software ? ` (${COPY.app.software})` : ''}`
        : COPY.figures.none,
    ],
  ];
}

/** The figures below the stream. */
export function Figures() {
  const look = useLook();
  const list = useComputed(() => rows(look));
  if (list.value.length === 0) return null;
  return (
    <dl class="figures">
      {list.value.map(([key, term, value]) => (
        <div key={key} data-figure={key}>
          <dt>{term}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
