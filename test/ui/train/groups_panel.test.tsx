// The group inspector: scores with the reason of each, groups that were left out, and a step that is held.
import { fireEvent, screen, within } from '@testing-library/preact';
import { describe, expect, it } from 'vitest';
import { GroupsPanel } from '../../../src/ui/train/groups_panel';
import type { GroupFact } from '../../../src/worker/protocol/training';
import { runOf, settled } from '../../state/train_script';
import { renderTrain } from '../page_script';
import { trainPage } from '../page_state';

const TEXT = '<think> one </think> \\boxed{ 2 }';
const GROUP: GroupFact = {
  ...{ question: 'how many ?', expected: '2', image: null, dropped: null },
  completions: [
    {
      ...{ text: TEXT, answer: '2', correct: true, format: 'cot', tokens: 9, truncated: false, reward: 1.5 },
      rewards: { accuracy: 1, format: 0.5 },
      reasons: {
        accuracy: { why: 'equal as numbers', span: { start: TEXT.indexOf('\\boxed'), end: TEXT.length } },
        format: { why: 'no look back', span: null },
      },
      advantage: 1,
    },
    {
      ...{ text: '', answer: null, correct: false, format: 'none', tokens: 1, truncated: true, reward: 0 },
      ...{ rewards: { accuracy: 0, format: 0 }, advantage: -1 },
    },
  ],
};

async function shown(groups: readonly GroupFact[] = [GROUP]) {
  const made = await trainPage({ runs: [runOf('r1')] });
  renderTrain(made.train, <GroupsPanel />);
  made.client.emit({ type: 'groupsSampled', runId: 'r1', step: 5, groups });
  await settled();
  return made;
}

it('says how each reward became an advantage, with the numbers', async () => {
  await shown();
  // Rewards 1.5 and 0: mean 0.75, unbiased deviation √(2 · 0.75²) = 1.0607.
  expect(screen.getByTestId('advantage-terms').textContent).toBe(
    'Mean reward 0.75, deviation 1.061. An advantage is the reward less the mean, divided by the deviation plus 0.0001.',
  );
  expect(screen.getAllByTestId('advantage-formula').map((one) => one.textContent)).toEqual([
    '(1.5 − 0.75) / 1.061',
    '(0 − 0.75) / 1.061',
  ]);
});

const answers = () => screen.getAllByTestId('completion').map((one) => within(one));

describe('a group', () => {
  it('is summed up, and each answer has its scores and advantage', async () => {
    await shown();
    expect(screen.getByText('1 of 2 right, mean reward 0.750')).toBeTruthy();
    expect(screen.getByText('Expected: 2')).toBeTruthy();
    const scores = screen
      .getAllByTestId('completion')
      .map((one) => [...one.querySelectorAll('dd')].map((score) => score.textContent));
    expect(scores).toEqual([
      ['1', '0.5', '1.5', '+1.00(1.5 − 0.75) / 1.061'],
      ['0', '0', '0', '−1.00(0 − 0.75) / 1.061'],
    ]);
  });

  it('says why each reward is what it is, and shows the words that it is about', async () => {
    await shown();
    const [first, second] = screen.getAllByTestId('completion');
    const reasons = [...(first?.querySelectorAll('[data-reason]') ?? [])].map((one) => one.textContent);
    expect(reasons).toEqual(['accuracy equal as numbers\\boxed{ 2 }', 'format no look back']);
    // Runs of earlier versions have stored none.
    expect(second?.querySelectorAll('[data-reason]')).toHaveLength(0);
  });

  it('marks what an answer has of the form, and says when it is empty or cut off', async () => {
    await shown();
    const [first, second] = answers();
    expect(first?.getByText('has think')).toBeTruthy();
    expect(first?.getByText('lacks back')).toBeTruthy();
    expect(first?.getByText(/only thinks, 9 tokens/)).toBeTruthy();
    expect(second?.getByText(/ill-formed, 1 token/).textContent).toContain('cut off');
    expect(second?.getByText('(nothing was written)')).toBeTruthy();
  });

  it('that was left out says why', async () => {
    await shown([{ ...GROUP, dropped: 'uniform' }, GROUP]);
    const [first, second] = screen.getAllByTestId('group');
    expect(first?.textContent).toContain('left out: all answers scored alike, so they teach nothing');
    expect(second?.textContent).not.toContain('left out');
  });

  it('draws its answers only while it is open', async () => {
    await shown([GROUP, GROUP]);
    expect(screen.getAllByTestId('completion')).toHaveLength(2);
  });
});

describe('an earlier step', () => {
  it('is turned to, stays, and the newest comes back', async () => {
    const { client } = await shown();
    const next = { ...GROUP, question: 'which colour ?' };
    client.emit({ type: 'groupsSampled', runId: 'r1', step: 6, groups: [next] });
    await settled();
    expect(screen.getByTestId('groups-pager').textContent).toContain('2 of 2 kept');
    fireEvent.click(screen.getByLabelText('Earlier step'));
    expect(client.calls).toContain('readGroups r1 5');
    await client.resolve('readGroups', { step: 5, groups: [GROUP] });
    await settled();
    expect(screen.getByRole('heading', { name: 'Groups of step 5' })).toBeTruthy();
    expect(screen.getByText('Held; step 6 is there already.')).toBeTruthy();
    fireEvent.click(screen.getByTestId('hold'));
    await settled();
    expect(screen.getByRole('heading', { name: 'Groups of step 6' })).toBeTruthy();
  });

  it('that made room for later ones says so', async () => {
    const { client } = await shown();
    client.emit({ type: 'groupsSampled', runId: 'r1', step: 6, groups: [GROUP] });
    await settled();
    fireEvent.click(screen.getByLabelText('Earlier step'));
    await client.resolve('readGroups', null);
    await settled();
    expect(screen.getByText(/are not kept any more/)).toBeTruthy();
    expect(screen.getByRole('heading', { name: 'Groups of step 6' })).toBeTruthy();
  });

  it('shows the groups of one kind', async () => {
    await shown([GROUP, { ...GROUP, dropped: 'uniform' }]);
    fireEvent.change(screen.getByTestId('groups-filter'), { target: { value: 'dropped' } });
    await settled();
    expect(screen.getAllByTestId('group')).toHaveLength(1);
    fireEvent.change(screen.getByTestId('groups-filter'), { target: { value: 'lookedBack' } });
    await settled();
    expect(screen.getByText('No group of this step is of this kind.')).toBeTruthy();
  });
});

describe('a held step', () => {
  it('stays while others come, and is let go of', async () => {
    const { client } = await shown();
    fireEvent.click(screen.getByTestId('hold'));
    const next = { ...GROUP, question: 'which colour ?' };
    client.emit({ type: 'groupsSampled', runId: 'r1', step: 6, groups: [next] });
    await settled();
    expect(screen.getByRole('heading', { name: 'Groups of step 5' })).toBeTruthy();
    expect(screen.getByText('Held; step 6 is there already.')).toBeTruthy();
    expect(screen.queryByText('which colour ?')).toBeNull();
    fireEvent.click(screen.getByTestId('hold'));
    await settled();
    expect(screen.getByRole('heading', { name: 'Groups of step 6' })).toBeTruthy();
    expect(screen.getByText('which colour ?')).toBeTruthy();
  });
});
