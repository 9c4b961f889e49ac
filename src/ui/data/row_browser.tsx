// Shows one row of a stored dataset as the model receives it: the picture as resized, the template applied, tags
// coloured. Prompt, sizes and token counts are the engine's, never worked out here.

import { useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { expectedWords } from '../../answer/expected_answers';
import { modeWords, type ReasoningMode } from '../../settings/reasoning_modes';
import type { Datasets, OpenRow } from '../../state/datasets';
import type { DatasetRowView } from '../../worker/protocol/library';
import { drawPicture } from '../look/heatmap';
import { useLook } from '../look/look_context';
import { decodePicture } from '../look/picture_source';
import { Notice } from '../notice';
import { DATA_COPY } from './data_copy';
import { promptPieces } from './row_words';

/** The picture at the model's own resolution, cut as a square model cuts it. */
function ResizedPicture({ view }: { readonly view: DatasetRowView }) {
  const look = useLook();
  const canvas = useRef<HTMLCanvasElement>(null);
  const bitmap = useSignal<ImageBitmap | null>(null);
  const { image, imageName } = view.row;
  useEffect(() => {
    let current = true;
    decodePicture(image).then(
      (made) => {
        if (current) bitmap.value = made;
        else made.close();
      },
      () => {
        // The engine's own words say what is wrong with it.
        if (current) bitmap.value = null;
      },
    );
    return () => {
      current = false;
      const shown = bitmap.peek();
      bitmap.value = null;
      shown?.close();
    };
  }, [image, bitmap]);
  const { resizedWidth: width, resizedHeight: height, imageTokens } = view;
  useSignalEffect(() => {
    const made = bitmap.value;
    if (canvas.current === null || made === null) return;
    const square = look.session.value.model?.square ?? false;
    drawPicture(canvas.current, made, square, { width, height });
  });
  const words = DATA_COPY.seenImage(imageName, width, height, imageTokens);
  return (
    <figure class="row-picture">
      <canvas ref={canvas} role="img" aria-label={words} />
      <figcaption class="hint">{words}</figcaption>
    </figure>
  );
}

/** What the row has besides, as it is kept. */
function OtherColumns({ row: { columns = {} } }: Pick<DatasetRowView, 'row'>) {
  const entries = Object.entries(columns);
  if (entries.length === 0) return null;
  return (
    <>
      <h4>{DATA_COPY.others}</h4>
      <p class="hint">{DATA_COPY.othersWhy}</p>
      <dl class="facts" data-testid="row-columns">
        {entries.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{typeof value === 'string' ? value : JSON.stringify(value)}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function RowView({ view }: { readonly view: DatasetRowView }) {
  const { row } = view;
  // The engine's offsets never move within a prompt, so a piece's place names it.
  let at = 0;
  return (
    <div class="row-view" data-testid="row-view">
      <ResizedPicture key={row.imageName} view={view} />
      <div>
        <h4>{DATA_COPY.seen}</h4>
        <p class="prompt-text">
          {promptPieces(view.prompt).map(({ kind, text }) => {
            at += text.length;
            return (
              <span key={at} class={`piece piece-${kind}`}>
                {text}
              </span>
            );
          })}
        </p>
        <p class="hint">{DATA_COPY.promptTokens(view.promptTokens)}</p>
        <dl class="facts">
          <div>
            <dt>{DATA_COPY.expected}</dt>
            <dd>{expectedWords(row.answer)}</dd>
          </div>
        </dl>
        {row.response !== null && (
          <>
            <h4>{DATA_COPY.response}</h4>
            <p class="prompt-text">
              {promptPieces(row.response).map(({ kind, text }, i) => (
                <span key={`${i}:${kind}`} class={`piece piece-${kind}`}>
                  {text}
                </span>
              ))}
            </p>
            <p class="hint">{DATA_COPY.responseTokens(view.responseTokens)}</p>
          </>
        )}
        <OtherColumns row={row} />
      </div>
    </div>
  );
}

function Controls({ datasets, open }: { readonly datasets: Datasets; readonly open: OpenRow }) {
  const look = useLook();
  const modes = look.session.value.model?.modes ?? [open.mode];
  const last = open.dataset.rows - 1;
  return (
    <div class="row-controls">
      <button
        type="button"
        class="quiet"
        aria-label={DATA_COPY.previous}
        disabled={open.index === 0}
        onClick={() => void datasets.show({ index: open.index - 1 })}
      >
        ←
      </button>
      <label class="check">
        {DATA_COPY.row}
        <input
          type="number"
          min={1}
          max={last + 1}
          value={open.index + 1}
          onChange={(event) => {
            void datasets.show({ index: event.currentTarget.valueAsNumber - 1 });
            // An unusable number was replaced by the state; the field shows what holds.
            event.currentTarget.value = String((datasets.open.value?.index ?? 0) + 1);
          }}
        />
        {DATA_COPY.rowOf(open.dataset.rows)}
      </label>
      <button
        type="button"
        class="quiet"
        aria-label={DATA_COPY.next}
        disabled={open.index >= last}
        onClick={() => void datasets.show({ index: open.index + 1 })}
      >
        →
      </button>
      <label class="check">
        {DATA_COPY.mode}
        <select
          value={open.mode}
          onChange={(event) => void datasets.show({ mode: event.currentTarget.value as ReasoningMode })}
        >
          {modes.map((mode) => (
            <option key={mode} value={mode}>
              {modeWords(mode)}
            </option>
          ))}
        </select>
      </label>
      <button type="button" class="quiet" onClick={datasets.close}>
        {DATA_COPY.close}
      </button>
    </div>
  );
}

/** The rows of the open dataset; nothing when none is open. */
export function RowBrowser({ datasets }: { readonly datasets: Datasets }) {
  const panel = useRef<HTMLElement>(null);
  const open = datasets.open.value;
  const id = open?.dataset.id ?? null;
  useEffect(() => {
    if (id !== null) panel.current?.focus();
  }, [id]);
  if (open === null) return null;
  return (
    <section
      ref={panel}
      class="panel row-browser"
      aria-labelledby="rows-title"
      tabIndex={-1}
      data-testid="row-browser"
      data-index={open.index}
    >
      <header class="panel-head">
        <h3 id="rows-title">{DATA_COPY.rowsOf(open.dataset.name)}</h3>
        <Controls datasets={datasets} open={open} />
      </header>
      {open.error !== null && <Notice error={open.error} compact retry={() => void datasets.show({})} />}
      {open.error === null && open.view === null && <p class="empty">{DATA_COPY.work.reading}</p>}
      {open.view !== null && <RowView view={open.view} />}
    </section>
  );
}
