// The histogram of lengths in the group inspector: of the shown step, of every kept step read one after another, and back.
import { fireEvent, screen } from '@testing-library/preact';
import { describe, expect, it } from 'vitest';
import { GroupsPanel } from '../../../src/ui/train/groups_panel';
import { GROUP, grouped, runOf, settled } from '../../state/train_script';
import { renderTrain } from '../page_script';
import { trainPage } from '../page_state';

const title = () => screen.getByTestId('lengths').querySelector('h3')?.textContent;
const press = async (id: string) => {
  fireEvent.click(screen.getByTestId(id));
  await settled();
};

describe('the lengths of answers', () => {
  it('are those of the shown step, or of all kept steps, which are read one by one and can be stopped', async () => {
    const { client, train } = await trainPage({ runs: [runOf('r1')] });
    renderTrain(train, <GroupsPanel />);
    client.emit(grouped('r1', 1), grouped('r1', 2));
    await settled();
    expect(title()).toBe('Length of the answers of step 2');
    expect(screen.getByText(/2 answers of 4 to 4 tokens, median 4; of the right ones 4/)).toBeTruthy();
    expect(screen.getAllByTestId('length-bin').map((one) => one.textContent)).toContain(
      '44 tokens: 1 right, 1 wrong',
    );

    await press('lengths-run');
    expect(screen.getByText('0 of 2 steps read')).toBeTruthy();
    const long = {
      ...GROUP,
      completions: GROUP.completions.map((one) => ({ ...one, tokens: 40, truncated: true })),
    };
    await client.resolve('readGroups r1 1', { step: 1, groups: [long] });
    expect([title(), screen.getByText('1 of 2 steps read') !== null]).toEqual([
      'Length of the answers of step 2',
      true,
    ]);
    await client.resolve('readGroups r1 2', { step: 2, groups: [GROUP] });
    expect(title()).toBe('Length of the answers of 2 kept steps');
    expect(screen.getByText(/4 answers of 4 to 40 tokens, median 22; .*; ✂ 2 cut off/)).toBeTruthy();

    await press('lengths-step');
    expect(title()).toBe('Length of the answers of step 2');
    await press('lengths-run');
    await press('lengths-step');
    await client.resolve('readGroups r1 1', { step: 1, groups: [long] });
    expect([title(), client.calls.at(-1)]).toEqual(['Length of the answers of step 2', 'readGroups r1 1']);
  });
});
