// Draws one picture of the panel and, where the answer is about it, the heatmap of the shown steps over it.

import { useComputed, useSignalEffect } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { IMAGE_SIDE } from '../../data/world/grid';
import { mapsOf, peak, scaleTop } from '../../state/attention_view';
import { edgesOf } from '../../state/look_region';
import type { PromptFact } from '../../worker/protocol/answers';
import { COPY } from '../copy';
import { CellWords } from './cell_words';
import { drawOverlay, drawPicture, type Overlay, outlineCells } from './heatmap';
import { useLook } from './look_context';
import { RegionPicker } from './region_picker';
import { useCellWords, useShownPictures, useSinks } from './shown_pictures';
import { modelView, overlayOpacity, overlayShown, stretchScale } from './view_settings';

/** The part of a map that lies on one of a prompt's pictures, on one scale for all of them, so that they compare. */
export function overlayOf(
  all: Float32Array,
  prompt: PromptFact | null,
  at: number,
  sinks: ReadonlySet<number>,
): Overlay | null {
  const grid = prompt?.pictures[at]?.grid;
  const map = prompt === null ? undefined : mapsOf(all, prompt.pictures)[at];
  if (grid === undefined || map === undefined) return null;
  const top = stretchScale.value ? peak(all) : scaleTop(all.length);
  const before = prompt?.pictures.slice(0, at).reduce((sum, one) => sum + one.grid[0] * one.grid[1], 0) ?? 0;
  const dimmed = new Set([...sinks].map((cell) => cell - before).filter((cell) => cell >= 0));
  return { map, grid, top, opacity: overlayOpacity.value, dimmed };
}

/** The picture in place `at` of those shown. */
export function PictureCanvas({ at }: { readonly at: number }) {
  const look = useLook();
  const shown = useShownPictures();
  const words = useCellWords(at);
  const sinks = useSinks();
  const base = useRef<HTMLCanvasElement>(null);
  const over = useRef<HTMLCanvasElement>(null);
  useSignalEffect(() => {
    const { pictures, prompt } = shown.value;
    const bitmap = pictures[at]?.bitmap;
    if (base.current === null || bitmap === undefined) return;
    const fact = prompt?.pictures[at];
    if (prompt !== null && fact !== undefined) {
      const resized = { width: fact.resizedWidth, height: fact.resizedHeight };
      drawPicture(base.current, bitmap, prompt.square, modelView.value ? resized : null);
    } else if (modelView.value && words.value !== null) {
      const resized = { width: IMAGE_SIDE, height: IMAGE_SIDE };
      drawPicture(base.current, bitmap, true, resized);
    } else drawPicture(base.current, bitmap, false, null);
  });
  useSignalEffect(() => {
    const { prompt, current, pictures } = shown.value;
    const readout = look.readout.value;
    // Subscribed so that the overlay follows the picture's canvas when that changes its size.
    void modelView.value;
    if (over.current === null || base.current === null || pictures[at] === undefined) return;
    const map = readout?.map ?? null;
    const overlay =
      overlayShown.value && current && map !== null ? overlayOf(map, prompt, at, sinks.value) : null;
    drawOverlay(over.current, base.current, overlay);
    const region = current && look.region.value?.picture === at ? look.region.value : null;
    const grid = prompt?.pictures[at]?.grid;
    if (region !== null && grid !== undefined) outlineCells(over.current, grid, edgesOf(region));
    const { dataset } = over.current;
    dataset.from = overlay === null ? '' : String(readout?.range.from);
    dataset.to = overlay === null ? '' : String(readout?.range.to);
    dataset.sum = overlay === null ? '' : overlay.map.reduce((sum, value) => sum + value, 0).toFixed(4);
    dataset.grid = overlay === null ? '' : overlay.grid.join('x');
  });
  const label = useComputed(() => {
    const { pictures, current } = shown.value;
    const name = pictures[at]?.name ?? '';
    const sentence = current ? (look.readout.value?.sentence ?? '') : '';
    return `${COPY.picture.pictureAlt(name)}. ${sentence}`;
  });
  return (
    <div class="canvases">
      <div role="img" aria-label={label.value}>
        <canvas ref={base} />
        <canvas ref={over} class="overlay" data-testid="heatmap" />
      </div>
      {shown.value.current && <RegionPicker at={at} canvas={base} />}
      {modelView.value && words.value !== null && <CellWords words={words.value} />}
    </div>
  );
}
