// The strip of earlier questions over a scripted engine: what each says, bringing one back by a press, clearing with undo.
import { fireEvent, screen, within } from '@testing-library/preact';
import { expect, it } from 'vitest';
import { keepFocus } from '../../../src/ui/keep_focus';
import { HistoryStrip } from '../../../src/ui/look/history_strip';
import { resultOf, script } from '../../state/engine_script';
import { settled } from '../../state/train_script';
import { renderIn } from '../page_script';
import { PIXEL, shelf } from '../page_state';

async function asked(questions: readonly string[]) {
  const page = await shelf();
  await page.look.choosePicture(PIXEL, 'p.png');
  for (const question of questions) {
    page.look.setQuestion(question);
    void page.look.ask();
    await settled();
    const verdict = { equal: question === 'Two?', rule: 'equal numbers', grader: 'method' } as const;
    const result = { ...resultOf('', '3'), verdict };
    page.engine.emit(...script().slice(0, -1), { type: 'generationFinished', segments: [], result });
    await page.engine.resolve('generate', result);
  }
  return page;
}

it('brings a question back, the newest being the first', async () => {
  const page = await asked(['One?', 'Two?']);
  renderIn(page, <HistoryStrip />);
  const items = within(screen.getByRole('list')).getAllByRole('button');
  expect(items.map((item) => item.getAttribute('aria-label'))).toEqual([
    'Show again: Two?, right',
    'Show again: One?, wrong',
  ]);
  expect(items.map((item) => item.getAttribute('aria-current'))).toEqual(['true', 'false']);
  fireEvent.click(items[1] as HTMLElement);
  await settled();
  expect(page.look.session.value.answer?.asked.question).toBe('One?');
  expect(page.look.question.value).toBe('One?');
  expect(items[1]?.getAttribute('aria-current')).toBe('true');
});

it('is cleared, with the focus on what takes it back', async () => {
  const page = await asked(['One?']);
  const { container } = renderIn(page, <HistoryStrip />);
  const stop = keepFocus(container as HTMLElement);
  const clear = screen.getByRole('button', { name: 'Clear' });
  clear.focus();
  fireEvent.click(clear);
  await settled();
  expect(screen.getByRole('status').textContent).toContain('One question was cleared.');
  expect(document.activeElement).toBe(screen.getByRole('button', { name: 'Undo' }));
  fireEvent.click(screen.getByRole('button', { name: 'Undo' }));
  await settled();
  expect(screen.getAllByRole('listitem')).toHaveLength(1);
  stop();
});
