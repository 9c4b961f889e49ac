// Draws the panel of layers and heads: fetches one token's attention in all of them, shows how much of it each pays to the
// image, and lets one be chosen for heatmap and sentence. Fetched with the first answer.

import { useSignalEffect } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { createLookHeads, type LookHeads, partWords, sharesOfHeads } from '../../state/look_heads';
import { COPY } from '../copy';
import { Notice } from '../notice';
import { cssColour, rampColour } from './colour_ramp';
import { HEADS } from './heads_copy';
import { cellRect } from './heatmap';
import { useLook } from './look_context';
import '../styles/heads.css';

/** Pixels of a cell's side on the canvas, before the page scales it. */
const CELL = 12;

function HeadGrid({ heads }: { readonly heads: LookHeads }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useSignalEffect(() => {
    const data = heads.shown.value?.data;
    const { layer, head } = heads.choice.value;
    const context = canvas.current?.getContext('2d');
    if (canvas.current === null || !context || data === undefined) return;
    const grid = [data.layers, data.heads] as const;
    const [width, height] = [data.heads * CELL, data.layers * CELL];
    canvas.current.width = width;
    canvas.current.height = height;
    const shares = Array.from({ length: data.layers * data.heads }, (_, at) => {
      const one = { layer: Math.floor(at / data.heads), head: at % data.heads };
      return sharesOfHeads(data, one).image;
    });
    const top = Math.max(...shares, Number.MIN_VALUE);
    shares.forEach((share, at) => {
      const [row, column] = [Math.floor(at / data.heads), at % data.heads];
      const rect = cellRect(row, column, grid, width, height);
      context.fillStyle = cssColour(rampColour(share, top, 1));
      context.fillRect(rect.x, rect.y, rect.width - 1, rect.height - 1);
      const marked = (layer === null || layer === row) && (head === null || head === column);
      if (!marked || (layer === null && head === null)) return;
      context.strokeStyle = '#ffffff';
      context.strokeRect(rect.x + 1.5, rect.y + 1.5, rect.width - 4, rect.height - 4);
    });
  });
  const data = heads.shown.value?.data;
  if (data === undefined) return null;
  return (
    <figure class="head-grid">
      {/* The two lists beside it do the same by keyboard. */}
      <canvas
        ref={canvas}
        role="img"
        aria-label={HEADS.grid(data.layers, data.heads)}
        onClick={(event) => {
          const { left, top, width, height } = event.currentTarget.getBoundingClientRect();
          const at = (part: number, whole: number, count: number): number =>
            Math.min(count - 1, Math.max(0, Math.floor((part / whole) * count)));
          const layer = at(event.clientY - top, height, data.layers);
          heads.choose({ layer, head: at(event.clientX - left, width, data.heads) });
        }}
      />
      <figcaption class="hint">{HEADS.gridHint}</figcaption>
    </figure>
  );
}

function Part({ heads, part, count }: { heads: LookHeads; part: 'layer' | 'head'; count: number }) {
  const value = heads.choice.value[part];
  return (
    <label class="field">
      {HEADS[part]}
      <select
        data-testid={`heads-${part}`}
        value={value ?? ''}
        onChange={({ currentTarget: { value: text } }) =>
          heads.choose({ [part]: text === '' ? null : Number(text) })
        }
      >
        <option value="">{HEADS.all}</option>
        {Array.from({ length: count }, (_, at) => (
          <option key={at} value={at}>
            {at + 1}
          </option>
        ))}
      </select>
    </label>
  );
}

function Fetching({ heads }: { readonly heads: LookHeads }) {
  const step = heads.step.value;
  if (heads.busy.value) {
    return (
      <p role="status">
        {HEADS.busy}{' '}
        <button type="button" onClick={heads.cancel}>
          {COPY.app.cancel}
        </button>
      </p>
    );
  }
  if (step === null) return <p class="hint">{HEADS.choose}</p>;
  return (
    <button type="button" data-testid="heads-fetch" onClick={() => void heads.fetch()}>
      {HEADS.fetch(step)}
    </button>
  );
}

/** The panel of layers and heads. */
export function HeadsPanel() {
  const look = useLook();
  const heads = useMemo(() => createLookHeads(look), [look]);
  useEffect(() => () => heads.dispose(), [heads]);
  const own = heads.shown.value;
  const { layer, head } = heads.choice.value;
  const all = layer === null && head === null;
  return (
    <details class="heads" data-testid="heads">
      <summary>{HEADS.title}</summary>
      <p class="hint">{HEADS.why}</p>
      {own === null && <Fetching heads={heads} />}
      {heads.error.value !== null && <Notice error={heads.error.value} compact />}
      {own !== null && (
        <>
          <div class="heads-choice">
            <Part heads={heads} part="layer" count={own.data.layers} />
            <Part heads={heads} part="head" count={own.data.heads} />
          </div>
          <HeadGrid heads={heads} />
          <p class={all ? 'hint' : 'badge'} data-testid="heads-part">
            {all ? HEADS.mean : HEADS.part(partWords(heads.choice.value))}
          </p>
        </>
      )}
    </details>
  );
}
