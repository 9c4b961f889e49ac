// The results of an experiment on the Lab page: tables with links, what has not been run, and the questions behind a number.
import { fireEvent, screen, waitFor, within } from '@testing-library/preact';
import { describe, expect, it } from 'vitest';
import { splitSample } from '../../../src/data/world/split_questions';
import { createEvaluations } from '../../../src/state/evaluations';
import { createResults } from '../../../src/state/results';
import { LabPage } from '../../../src/ui/evaluation/lab_page';
import { shippedOf } from '../../state/shipped_script';
import { settled } from '../../state/train_script';
import { renderIn } from '../page_script';
import { shelf } from '../page_state';

const { experiment, set } = shippedOf({
  base: [['base', '10100000']],
  one: [[1, '11000001']],
});

async function opened(hash: string) {
  location.hash = hash;
  const made = await shelf();
  const results = createResults(async (name) =>
    name === 'results.json' ? [{ name: 'small', question: 'Better?' }] : experiment,
  );
  const evaluations = createEvaluations(made.engine);
  renderIn(made, <LabPage {...{ evaluations, results }} library={made.library} />);
  await settled();
  return made;
}

const hrefs = (testid: string) =>
  [...screen.getByTestId(testid).querySelectorAll('a')].map((link) => link.getAttribute('href'));

describe('an experiment', () => {
  it('is found on the first page', async () => {
    await opened('#/lab');
    expect(screen.getByTestId('results-row').querySelector('a')?.getAttribute('href')).toBe(
      '#/lab/results/small',
    );
  });

  it('shows what is there, says what is not, and links every number to its questions', async () => {
    await opened('#/lab/results/small');
    expect(screen.getByTestId('results-missing').textContent).toContain(
      '2 parts of this experiment have not',
    );
    const rows = within(screen.getByTestId('results-sheets')).getAllByRole('row');
    expect(rows[1]?.textContent).toContain('arm base50.0 (40.0 to 60.0)');
    expect(rows[3]?.textContent).toBe('arm twonot run so far');
    expect(hrefs('results-sheets')).toEqual([
      '#/lab/results/small/sheets/base',
      '#/lab/results/small/sheets/one',
    ]);
    expect(hrefs('results-sheets-differences')).toEqual(['#/lab/results/small/sheets/base/one']);
    expect(hrefs('results-paper')).toEqual(['#/lab/results/small/sheets/base/one']);
    expect(screen.getByTestId('results-paper').textContent).toContain('not measured so far');
  });
});

describe('the questions behind a number', () => {
  it('are those that two arms differ in, seed by seed', async () => {
    await opened('#/lab/results/small/sheets/base/one');
    const shown = () =>
      screen.getAllByTestId('results-question').map((row) => row.getAttribute('data-index'));
    expect(shown()).toEqual(['1', '7']);
    fireEvent.change(screen.getByTestId('results-filter'), { target: { value: 'lost' } });
    await settled();
    expect(shown()).toEqual(['2']);
    expect(screen.getByTestId('results-question').textContent).toContain(splitSample(set, 2).text);
  });

  it('open with every arm’s outcome', async () => {
    await opened('#/lab/results/small/sheets/one');
    fireEvent.change(screen.getByTestId('results-filter'), { target: { value: 'right' } });
    await settled();
    fireEvent.click(within(screen.getAllByTestId('results-question')[0]!).getByRole('button'));
    await waitFor(() => expect(screen.getByTestId('results-arms')).toBeTruthy());
    const rows = within(screen.getByTestId('results-arms')).getAllByRole('row');
    expect(rows.map((row) => row.textContent)).toEqual([
      expect.stringContaining('arm base✓ right'),
      expect.stringContaining('arm one✓↩ right, looked back'),
      expect.stringContaining('arm twonot run so far'),
    ]);
  });

  it('of no such arm say so', async () => {
    await opened('#/lab/results/small/sheets/none');
    expect(screen.getByText('These results have no such arm or set.')).toBeTruthy();
  });
});
