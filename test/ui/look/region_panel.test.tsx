// The list of tokens that attended to a region, and choosing one by keyboard on the picture.
import { fireEvent, screen } from '@testing-library/preact';
import { expect, it } from 'vitest';
import { listenToKeys } from '../../../src/ui/look/keyboard';
import { RegionPanel } from '../../../src/ui/look/region_panel';
import { RegionPicker } from '../../../src/ui/look/region_picker';
import { resultOf, script } from '../../state/engine_script';
import { settled } from '../../state/train_script';
import { renderIn } from '../page_script';
import { PIXEL, shelf } from '../page_state';

it('follows the cell cursor, selects a token by a press, and is cleared by Escape', async () => {
  const page = await shelf();
  const { look, engine } = page;
  await look.choosePicture(PIXEL, 'p.png');
  look.setQuestion('How many?');
  void look.ask();
  await settled();
  engine.emit(...script());
  await engine.resolve('generate', resultOf(''));
  const stop = listenToKeys(look, { focusQuestion: () => undefined, showKeys: () => undefined });
  renderIn(
    page,
    <>
      <RegionPicker at={0} canvas={{ current: null }} />
      <RegionPanel />
    </>,
  );
  const picker = screen.getByTestId('region-picker');
  const before = look.selection.value;
  fireEvent.keyDown(picker, { key: 'ArrowRight' });
  fireEvent.keyDown(picker, { key: 'ArrowRight' });
  fireEvent.keyDown(picker, { key: 'ArrowRight', shiftKey: true });
  await settled();
  // The arrows are the picture's here, and move no step.
  expect(look.selection.value).toBe(before);
  expect(screen.getByTestId('region').textContent).toContain('Cells a2 to a3: most attended by');
  const first = screen.getAllByRole('listitem')[0]?.querySelector('button') as HTMLElement;
  expect(first.getAttribute('aria-label')).toMatch(/^Select “2”, step 3: 50 %$/);
  fireEvent.click(first);
  expect(look.selection.value).toEqual({ kind: 'step', step: 2 });
  fireEvent.keyDown(picker, { key: 'Escape' });
  await settled();
  expect(screen.queryByTestId('region')).toBeNull();
  expect(look.selection.value).toEqual({ kind: 'step', step: 2 });
  stop();
});
