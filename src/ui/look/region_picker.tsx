// Lies over a picture and takes the region that somebody clicks, drags or walks to with the arrow keys.

import type { RefObject } from 'preact';
import { useRef } from 'preact/hooks';
import type { Cell } from '../../state/look_region';
import { cellAt } from './heatmap';
import { useLook } from './look_context';
import { REGION_COPY } from './region_copy';

const ARROWS: Readonly<Record<string, Cell>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/** The picker of the picture in place `at`; nothing before the answer's grid is known. */
export function RegionPicker({
  at,
  canvas,
}: {
  readonly at: number;
  /** Where the picture is drawn. */
  readonly canvas: RefObject<HTMLCanvasElement | null>;
}) {
  const look = useLook();
  const began = useRef<Cell | null>(null);
  const facts = look.session.value.answer?.prompt?.pictures ?? [];
  const fact = facts[at];
  if (fact === undefined) return null;
  const cell = (event: PointerEvent & { readonly currentTarget: Element }): Cell => {
    const box = event.currentTarget.getBoundingClientRect();
    return cellAt(event.clientX - box.left, event.clientY - box.top, box, {
      grid: fact.grid,
      width: canvas.current?.width ?? 1,
      height: canvas.current?.height ?? 1,
    });
  };
  return (
    <button
      type="button"
      class="region-picker"
      aria-label={REGION_COPY.choose(at, facts.length)}
      data-testid="region-picker"
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        began.current = cell(event);
        look.chooseRegion(at, began.current, began.current);
      }}
      onPointerMove={(event) => {
        if (began.current !== null) look.chooseRegion(at, began.current, cell(event));
      }}
      onPointerUp={() => {
        began.current = null;
      }}
      onPointerCancel={() => {
        began.current = null;
      }}
      onKeyDown={(event) => {
        const by = ARROWS[event.key];
        if (by === undefined) return;
        event.preventDefault();
        look.moveRegion(at, by, event.shiftKey);
      }}
    />
  );
}
