// Keeping the answer on show in this browser: its trace with what it is called, and what came of it.
import { fireEvent, screen } from '@testing-library/preact';
import { expect, it } from 'vitest';
import { readTraceOrPair } from '../../../src/state/trace_pair';
import { KeepLook } from '../../../src/ui/look/keep_look';
import { resultOf, script } from '../../state/engine_script';
import { settled, traceOf } from '../../state/train_script';
import { renderIn } from '../page_script';
import { PIXEL, shelf } from '../page_state';

async function answered() {
  const page = await shelf();
  await page.look.choosePicture(new Blob([PIXEL], { type: 'image/png' }), 'p.png');
  page.look.setQuestion('How many?');
  void page.look.ask();
  await settled();
  const result = resultOf('', '3');
  page.engine.emit(...script().slice(0, -1), { type: 'generationFinished', segments: [], result });
  await page.engine.resolve('generate', result);
  renderIn(page, <KeepLook look={page.look} library={page.library} />);
  return page;
}

it('keeps a trace that opens again, under its question, once', async () => {
  const { engine } = await answered();
  fireEvent.click(screen.getByTestId('keep-look'));
  await expect.poll(() => engine.values.get('keepTrace')).toBeTruthy();
  const [file, facts] = engine.values.get('keepTrace') as [Blob, object];
  expect(facts).toEqual({ name: 'How many?', model: 'Pocket', adapter: null, origin: 'here' });
  expect((await readTraceOrPair(file, 'it')).answer.asked.question).toBe('How many?');
  await engine.resolve('keepTrace', traceOf('t1'));
  await engine.resolve('listTraces', [traceOf('t1')]);
  expect(screen.getByRole('status').textContent).toBe('Kept: it is listed on the Library page.');
  expect(screen.getByTestId<HTMLButtonElement>('keep-look').disabled).toBe(true);
});

it('says why it was not kept, and can be tried again', async () => {
  const { engine } = await answered();
  fireEvent.click(screen.getByTestId('keep-look'));
  await expect.poll(() => engine.values.get('keepTrace')).toBeTruthy();
  await engine.reject('keepTrace', { code: 'storage/full', message: 'There is no room to save it.' });
  expect(screen.getByRole('status').textContent).toBe('There is no room to save it.');
  expect(screen.getByTestId<HTMLButtonElement>('keep-look').disabled).toBe(false);
});
