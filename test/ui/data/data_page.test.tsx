// The Data page over a scripted engine: a table that is pasted outside of a field is read, whatever form it has, and rows
// are shown with all that they have.
import { fireEvent, screen, within } from '@testing-library/preact';
import { describe, expect, it } from 'vitest';
import { createDatasets } from '../../../src/state/datasets';
import { DATA_COPY } from '../../../src/ui/data/data_copy';
import { DataPage } from '../../../src/ui/data/data_page';
import type { DatasetRowView, NamedFile } from '../../../src/worker/protocol/library';
import { datasetOf, settled } from '../../state/train_script';
import { renderIn } from '../page_script';
import { PIXEL, shelf } from '../page_state';

async function shown(stored: Parameters<typeof shelf>[0] = {}) {
  const made = await shelf(stored);
  const datasets = createDatasets(made.engine, made.library);
  const { container } = renderIn(
    made,
    <DataPage datasets={datasets} library={made.library} coldStart={async () => () => null} />,
  );
  await settled();
  return { ...made, container };
}

/** Pastes text; false when the page took it for itself. */
function paste(target: Element, text: string): boolean {
  const clipboardData = { items: [], getData: () => text };
  return fireEvent.paste(target, { clipboardData });
}

describe('pasting', () => {
  it.each([
    ['JSON lines', '{"question":"q","answer":"1"}\n{"question":"r","answer":"2"}', /\.jsonl$/],
    ['a JSON list', '[{"question":"q","answer":"1"}]', /\.json$/],
    ['CSV', 'question,answer\nq,1', /\.csv$/],
    ['cells of a spreadsheet', 'question\tanswer\nq\t1', /\.tsv$/],
  ])('takes %s', async (_, text, name) => {
    const { engine, container } = await shown();
    expect(paste(container, text)).toBe(false);
    await settled();
    const files = engine.values.get('previewDataset')?.[0] as readonly NamedFile[];
    const read = await Promise.all(files.map(async ({ path, blob }) => ({ path, text: await blob.text() })));
    expect(read).toEqual([{ path: expect.stringMatching(name), text }]);
  });

  it('leaves to a field what is pasted into it, and passes over nothing', async () => {
    const { engine, container } = await shown();
    const field = container.appendChild(document.createElement('input'));
    expect(paste(field, 'question,answer\nq,1')).toBe(true);
    expect(paste(container, ' ')).toBe(true);
    await settled();
    expect(engine.values.get('previewDataset')).toBeUndefined();
  });
});

describe('a row', () => {
  const VIEW: DatasetRowView = {
    row: { image: PIXEL, imageName: 'a.png', question: 'How many?', answer: '3', response: null },
    ...{ prompt: 'How many?', promptTokens: 5, imageTokens: 1, resizedWidth: 1, resizedHeight: 1 },
    responseTokens: 0,
  };

  it('shows its other columns, texts as they are and the rest as JSON', async () => {
    const { engine } = await shown({ datasets: [datasetOf('d1', 2, 0)] });
    fireEvent.click(screen.getByRole('button', { name: /^Look at rows/ }));
    const columns = { source: 'a <b> c', level: 3, tags: ['x', null] };
    await engine.resolve('readDatasetRow', { ...VIEW, row: { ...VIEW.row, columns } });
    const list = within(screen.getByTestId('row-columns'));
    expect(list.getAllByRole('term').map(({ textContent }) => textContent)).toEqual(Object.keys(columns));
    expect(list.getAllByRole('definition').map(({ textContent }) => textContent)).toEqual([
      ...['a <b> c', '3', '["x",null]'],
    ]);
    fireEvent.click(screen.getByRole('button', { name: DATA_COPY.next }));
    await engine.resolve('readDatasetRow', VIEW);
    expect(screen.getByTestId('row-view')).toBeTruthy();
    expect(screen.queryByTestId('row-columns')).toBeNull();
  });
});
