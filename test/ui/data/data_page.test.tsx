// The Data page over a scripted engine: a table that is pasted outside of a field is read, whatever form it has.
import { fireEvent } from '@testing-library/preact';
import { describe, expect, it } from 'vitest';
import { createDatasets } from '../../../src/state/datasets';
import { DataPage } from '../../../src/ui/data/data_page';
import type { NamedFile } from '../../../src/worker/protocol/library';
import { settled } from '../../state/train_script';
import { renderIn } from '../page_script';
import { shelf } from '../page_state';

async function shown() {
  const made = await shelf();
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
