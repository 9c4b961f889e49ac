// Runs that are compared, as a person meets them: chosen in the list of runs, named and told apart above the curves, read at
// one step, smoothed over what was measured, and taken out again.
import { fireEvent, screen, within } from '@testing-library/preact';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { CurvesPanel } from '../../../src/ui/train/curves_panel';
import { RunsPanel } from '../../../src/ui/train/runs_panel';
import { detailOf, runOf, settled, stepped } from '../../state/train_script';
import { drawNothing } from '../page_canvas';
import { renderTrain } from '../page_script';
import { trainPage } from '../page_state';

beforeAll(drawNothing);

const { plan } = runOf('r0');
const OTHER = { ...plan, name: 'Steeper', optim: { ...plan.optim, learningRate: 0.5 } };

async function shown() {
  const runs = [
    runOf('r9'),
    runOf('r1', { plan: OTHER }),
    ...['r2', 'r3', 'r4', 'r5'].map((id) => runOf(id)),
  ];
  const made = await trainPage({ runs }, 3);
  renderTrain(
    made.train,
    <>
      <CurvesPanel />
      <RunsPanel />
    </>,
  );
  await settled();
  return made;
}
const row = (id: string) =>
  within(document.querySelector<HTMLElement>(`li.run-row[data-run-id="${id}"]`) as HTMLElement);
const compare = (id: string) => row(id).getByTestId<HTMLButtonElement>('run-compare');

/** Chooses Steeper, whose steps 1 to 5 have a loss of 1 / step. */
async function compared() {
  const made = await shown();
  fireEvent.click(compare('r1'));
  await made.client.resolve('readRun r1', detailOf(runOf('r1', { plan: OTHER, step: 5 }), 5));
  await settled();
  return made;
}
const legend = (chart: string) =>
  [...(document.querySelector(`[data-chart="${chart}"] .legend`)?.children ?? [])].map((one) =>
    one.textContent?.trim(),
  );
async function openMore() {
  const more = screen.getByText('More curves').closest('details') as HTMLDetailsElement;
  more.open = true;
  fireEvent(more, new Event('toggle'));
  await settled();
}

describe('a run that is compared', () => {
  it('is chosen in the list, which says its letter, and named above the curves with what it is set unlike', async () => {
    await compared();
    expect(compare('r1').textContent).toBe('Compared as B');
    expect(compare('r1').getAttribute('aria-label')).toBe('Compared as B: Steeper');
    expect(compare('r1').getAttribute('aria-pressed')).toBe('true');
    expect(row('r9').queryByTestId('run-compare')).toBeNull();
    expect(screen.getByRole('heading', { name: 'Curves of 2 runs' })).toBeTruthy();
    const [first, second] = screen.getAllByTestId('compared-run').map((one) => one.textContent);
    expect(first).toMatch(/^APocket GRPO, quick GRPO · Paused · step 4 of 20/);
    expect(second).toMatch(/^BSteeper GRPO · Paused · step 4 of 20Unlike A\. Learning rate: 0\.5/);
    expect(
      within(screen.getByTestId('compared-settings'))
        .getAllByRole('row')
        .map((one) => [...one.children].map((cell) => cell.textContent)),
    ).toEqual([
      ['Setting', 'A', 'B'],
      ['Learning rate', String(plan.optim.learningRate), '0.5'],
    ]);
  });

  it('has its value in every legend: the newest, or that of the step that is read', async () => {
    await compared();
    await openMore();
    expect(legend('loss-loss')).toEqual(['A 0.333', 'B 0.200']);
    const reader = screen.getByRole<HTMLInputElement>('slider', { name: /^Read at step/ });
    expect([reader.min, reader.max, reader.getAttribute('aria-valuetext')]).toEqual(['1', '5', 'the newest']);
    fireEvent.input(reader, { target: { value: '2' } });
    expect(legend('loss-loss')).toEqual(['A 0.500', 'B 0.500', 'step 2']);
    fireEvent.input(reader, { target: { value: '4' } });
    expect(legend('loss-loss')).toEqual(['A –', 'B 0.250', 'step 4']);
    const marks = () =>
      [...document.querySelectorAll<HTMLElement>('.curve-mark')].map(({ hidden }) => hidden);
    // Charts are made after the drawing of the page.
    await vi.waitFor(() => expect(new Set(marks())).toEqual(new Set([false])));
    fireEvent.keyDown(reader, { key: 'Escape' });
    expect(new Set(marks())).toEqual(new Set([true]));
    expect(legend('loss-loss')).toEqual(['A 0.333', 'B 0.200']);
    const drawing = document.querySelector('[data-chart="loss-loss"] [role="img"]');
    expect(drawing?.getAttribute('aria-label')).toBe('Loss. A 0.333 at step 3; B 0.200 at step 5.');
  });

  it('goes on while it trains', async () => {
    const { client } = await compared();
    await openMore();
    client.emit(stepped('r1', 6, { loss: 7 }), stepped('r9', 4, { loss: 9 }));
    await settled();
    expect(legend('loss-loss')).toEqual(['A 9.00', 'B 7.00']);
  });

  it('leaves by either of its buttons, and all of them by one', async () => {
    const { client } = await compared();
    fireEvent.click(compare('r2'));
    await client.resolve('readRun r2', detailOf(runOf('r2'), 1));
    fireEvent.click(screen.getByRole('button', { name: 'Take B, Steeper, out of the comparison' }));
    await settled();
    expect(compare('r1').textContent).toBe('Compare');
    expect(compare('r2').textContent).toBe('Compared as B');
    fireEvent.click(screen.getByRole('button', { name: 'End the comparison' }));
    await settled();
    expect(screen.queryAllByTestId('compared-run')).toEqual([]);
    expect(screen.getByRole('heading', { name: 'Curves' })).toBeTruthy();
  });

  it('is the last of five', async () => {
    await shown();
    for (const id of ['r1', 'r2', 'r3', 'r4']) fireEvent.click(compare(id));
    await settled();
    expect([compare('r4').disabled, compare('r5').disabled]).toEqual([false, true]);
    expect(screen.getByText('5 runs are compared, which is all that fit: take one out first.')).toBeTruthy();
  });
});

describe('the curves of one run', () => {
  it('are smoothed over as many steps as are chosen, and read at a step without a pointer', async () => {
    await shown();
    const choice = screen.getByLabelText<HTMLSelectElement>('Smoothing');
    expect([...choice.options].map(({ text }) => text)).toEqual([
      'none',
      'mean of 5 steps',
      'mean of 20 steps',
      'mean of 100 steps',
    ]);
    fireEvent.change(choice, { target: { value: '20' } });
    await openMore();
    expect(legend('loss')).toEqual(['policy loss 0.333']);
    fireEvent.input(screen.getByTestId('read-at'), { target: { value: '1' } });
    expect(legend('loss')).toEqual(['policy loss 1.00', 'step 1']);
  });
});
