// The preview of an import over a scripted engine: columns, splits, problems, warnings, and the consent to what is left out.
import { fireEvent, screen, within } from '@testing-library/preact';
import { describe, expect, it } from 'vitest';
import { createDatasets } from '../../../src/state/datasets';
import { ImportPreview } from '../../../src/ui/data/import_preview';
import type { DatasetPreview, ImportChoice } from '../../../src/worker/protocol/library';
import { settled } from '../../state/train_script';
import { renderIn } from '../page_script';
import { shelf } from '../page_state';

const PREVIEW: DatasetPreview = {
  ...{ token: 't1', columns: ['pic', 'q', 'gold', 'A', 'B', 'C'], rows: 98, withResponse: 40 },
  mapping: { image: 'pic', question: 'q', answer: null, response: null, system: null, options: [] },
  problems: [
    { file: 'd.jsonl', row: 3, reason: 'no image' },
    { file: 'extra.bin', row: null, reason: 'is no table' },
  ],
  ...{ moreProblems: 1999, moreWarnings: 4 },
  warnings: [
    { kind: 'duplicate', file: 'd.jsonl', row: 9, reason: 'is the same as row 8' },
    { kind: 'unknown words', file: 'd.jsonl', row: null, reason: '40 % of the words' },
  ],
  splits: [
    { name: 'train', rows: 98 },
    { name: 'test', rows: null },
  ],
  split: 'train',
  sample: [{ image: new Blob(), imageName: 'a.png', question: 'How many?', answer: '3', response: null }],
};

async function shown(change: Partial<DatasetPreview> = {}) {
  const made = await shelf();
  const datasets = createDatasets(made.engine, made.library);
  const taking = datasets.take([{ path: 'zoo.jsonl', blob: new Blob(['x']) }]);
  await settled();
  await made.engine.resolve('previewDataset', { ...PREVIEW, ...change });
  await taking;
  renderIn(made, <ImportPreview datasets={datasets} />);
  return { ...made, datasets };
}

type Engine = Awaited<ReturnType<typeof shelf>>['engine'];
const choice = (engine: Engine) => engine.values.get('previewDataset')?.[1] as ImportChoice;
const keep = () => screen.getByTestId<HTMLButtonElement>('data-keep');

describe('the preview of an import', () => {
  it('says what was found, and on the button what is left out', async () => {
    await shown();
    expect(screen.getByText('98 usable rows, 40 with a response; 2,001 problems.')).toBeTruthy();
    expect(keep().textContent).toBe('Skip 2,001 and keep 98 rows');
    expect(screen.getByText('no response')).toBeTruthy();
  });

  it('lists each problem with its file, row and reason', async () => {
    await shown();
    const box = within(screen.getByTestId('data-problems'));
    expect(box.getAllByTestId('data-problem').map((one) => one.textContent)).toEqual([
      'd.jsonl, row 3: no image',
      'extra.bin: is no table',
    ]);
    expect(box.getByText('and 1,999 more')).toBeTruthy();
  });

  it('shows a chosen column at once, and reads again with it', async () => {
    const { engine } = await shown();
    const answer = screen.getByTestId<HTMLSelectElement>('map-answer');
    expect(answer.value).toBe('');
    fireEvent.change(answer, { target: { value: 'gold' } });
    await settled();
    expect(screen.getByTestId<HTMLSelectElement>('map-answer').value).toBe('gold');
    expect(choice(engine)).toEqual({ mapping: { ...PREVIEW.mapping, answer: 'gold' }, split: 'train' });
    expect(keep().disabled).toBe(true);
    await engine.resolve('previewDataset', PREVIEW);
    expect(keep().disabled).toBe(false);
  });

  it('offers a group of columns as the options of a question, or one of them', async () => {
    const { engine } = await shown();
    const options = screen.getByTestId<HTMLSelectElement>('map-options');
    const names = [...options.querySelectorAll('option')].map((one) => one.textContent);
    expect(names).toEqual(['none', 'A, B, C', 'pic', 'q', 'gold', 'A', 'B', 'C']);
    fireEvent.change(options, { target: { value: options.querySelectorAll('option')[1]?.value } });
    await settled();
    expect(choice(engine).mapping?.options).toEqual(['A', 'B', 'C']);
  });

  it('reads another split with columns guessed anew', async () => {
    const { engine } = await shown();
    const split = screen.getByTestId('data-split');
    expect([...split.querySelectorAll('option')].map((one) => one.textContent)).toEqual([
      'train (98 rows)',
      'test',
    ]);
    fireEvent.change(split, { target: { value: 'test' } });
    await settled();
    expect(choice(engine)).toEqual({ mapping: null, split: 'test' });
  });

  it('has warnings by kind, each of which can be dismissed', async () => {
    await shown();
    const kinds = () =>
      [...document.querySelectorAll('[data-kind]')].map((one) => one.getAttribute('data-kind'));
    expect(kinds()).toEqual(['duplicate', 'unknown words']);
    fireEvent.click(screen.getByRole('button', { name: 'Dismiss: Rows that are there twice' }));
    await settled();
    expect(kinds()).toEqual(['unknown words']);
    expect(screen.getByText('and 4 more')).toBeTruthy();
    fireEvent.click(screen.getByRole('button', { name: /^Dismiss: Words/ }));
    await settled();
    expect(screen.queryByTestId('data-warnings')).toBeNull();
  });

  it('keeps under the name of the file, which must not be empty', async () => {
    const { engine } = await shown();
    const name = screen.getByTestId<HTMLInputElement>('data-name');
    expect(name.value).toBe('zoo');
    fireEvent.input(name, { target: { value: ' ' } });
    await settled();
    expect(keep().disabled).toBe(true);
    fireEvent.input(name, { target: { value: 'Mine' } });
    await settled();
    fireEvent.click(keep());
    await settled();
    expect(engine.values.get('keepDataset')).toEqual(['t1', 'Mine']);
  });

  it('keeps nothing where no row can be used', async () => {
    await shown({ rows: 0, sample: [] });
    expect(
      screen.getByText('No row can be used yet: match the columns, or look at the problems.'),
    ).toBeTruthy();
    expect(keep().disabled).toBe(true);
  });

  it('has no choice of splits for a set with one', async () => {
    await shown({ splits: [] });
    expect(screen.queryByTestId('data-split')).toBeNull();
  });
});
