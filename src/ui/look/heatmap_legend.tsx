// Draws what goes with the heatmap: its scale, how it is shown, and the panel of layers and heads. Fetched with the first
// answer.

import { useComputed, useSignalEffect } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { peak, scaleTop } from '../../state/attention_view';
import { COPY } from '../copy';
import { HeadsPanel } from './heads_panel';
import { drawColourBar } from './heatmap';
import { useLook } from './look_context';
import { RegionPanel } from './region_panel';
import { useSinks } from './shown_pictures';
import { SINKS_COPY } from './sinks_copy';
import { dimSinks, overlayOpacity, overlayShown, stretchScale } from './view_settings';

function ColourBar() {
  const look = useLook();
  const bar = useRef<HTMLCanvasElement>(null);
  useSignalEffect(() => {
    if (bar.current !== null) drawColourBar(bar.current, overlayOpacity.value);
  });
  const scale = useComputed(() => {
    const map = look.readout.value?.map;
    const grids = look.session.value.answer?.prompt?.pictures ?? [{ grid: [3, 3] }];
    if (stretchScale.value && map) return { top: peak(map), open: false };
    const cells = grids.reduce((sum, { grid: [rows = 1, columns = 1] }) => sum + rows * columns, 0);
    return { top: scaleTop(cells), open: true };
  });
  const sinks = useSinks();
  const { top, open } = scale.value;
  const digits = top >= 0.1 ? 2 : top >= 0.01 ? 3 : 4;
  return (
    <figure class="colour-bar">
      <figcaption>{COPY.picture.scale}</figcaption>
      <canvas ref={bar} width={256} height={10} />
      <div class="colour-bar-numbers">
        <span>0</span>
        <span>{(top / 2).toFixed(digits + 1)}</span>
        <span>
          {open ? '≥ ' : ''}
          {top.toFixed(digits)}
        </span>
      </div>
      {dimSinks.value && (
        <span class="badge" data-testid="sinks">
          {SINKS_COPY.dimmed(sinks.value.size)}
        </span>
      )}
      {stretchScale.value && <span class="badge">{COPY.picture.stretched}</span>}
    </figure>
  );
}

function HeatmapControls() {
  return (
    <div class="heatmap-controls">
      <label class="check">
        <input
          type="checkbox"
          checked={overlayShown.value}
          onChange={(event) => {
            overlayShown.value = event.currentTarget.checked;
          }}
        />
        {COPY.picture.overlay}
      </label>
      <label class="slider">
        {COPY.picture.opacity}
        <input
          type="range"
          min={0.1}
          max={1}
          step={0.05}
          value={overlayOpacity.value}
          onInput={(event) => {
            overlayOpacity.value = event.currentTarget.valueAsNumber;
          }}
        />
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={stretchScale.value}
          onChange={(event) => {
            stretchScale.value = event.currentTarget.checked;
          }}
        />
        {COPY.picture.stretch}
      </label>
      <label class="check" title={SINKS_COPY.why}>
        <input
          type="checkbox"
          data-testid="dim-sinks"
          checked={dimSinks.value}
          onChange={(event) => {
            dimSinks.value = event.currentTarget.checked;
          }}
        />
        {SINKS_COPY.dim}
      </label>
    </div>
  );
}

/** The legend of the heatmap. */
export function HeatmapLegend() {
  return (
    <>
      <div class="heatmap-legend">
        <ColourBar />
        <HeatmapControls />
      </div>
      <RegionPanel />
      <HeadsPanel />
    </>
  );
}
