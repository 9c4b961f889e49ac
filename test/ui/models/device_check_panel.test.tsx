// The panel of the check: one button, progress that can be cancelled, a verdict with its findings, a report to copy.
import { fireEvent, screen, within } from '@testing-library/preact';
import { expect, it } from 'vitest';
import { createDeviceCheck } from '../../../src/state/device_check';
import { DeviceCheckPanel } from '../../../src/ui/models/device_check_panel';
import type { DeviceReport } from '../../../src/worker/protocol/device_check';
import { DEVICE_REPORT } from '../../state/device_check_script';
import { settled } from '../../state/train_script';
import { renderIn } from '../page_script';
import { shelf } from '../page_state';

async function checking() {
  const made = await shelf();
  const check = createDeviceCheck(made.engine);
  renderIn(made, <DeviceCheckPanel check={check} />);
  fireEvent.click(screen.getByRole('button', { name: 'Check this device' }));
  await settled();
  return made;
}

async function checked(change: Partial<DeviceReport> = {}) {
  const made = await checking();
  await made.engine.resolve('checkDevice', { ...DEVICE_REPORT, ...change });
  return made;
}

it('says how far it is, and can be cancelled', async () => {
  const { engine } = await checking();
  engine.emit({ type: 'deviceCheckProgressed', phase: 'kernels', done: 30, total: 120 });
  await settled();
  expect(screen.getByTestId('check-progress').textContent).toBe('30 of 120 kernels compiled and compared');
  fireEvent.click(screen.getByRole('button', { name: 'Cancel' }));
  await engine.reject('checkDevice', { code: 'engine/cancelled', message: 'Cancelled.' });
  expect(screen.getByRole('button', { name: 'Check this device' })).toBeTruthy();
  expect(screen.queryByTestId('check-result')).toBeNull();
});

it('says what is right and how near the kernels come to the device', async () => {
  await checked();
  const result = screen.getByTestId('check-result');
  expect(result.dataset.verdict).toBe('right');
  expect(result.textContent).toContain('2 of 2 answers are those of Hugging Face transformers');
  expect(within(result).getByRole('row', { name: /GEMM/ }).textContent).toBe('GEMM450020.050 %arithmetic');
  expect(screen.getByTestId('check-report').textContent).toContain('verdict: right');
});

it('names what is switched off and why, and what was left out', async () => {
  const disabled = [{ name: 'gemm/tiled_64', reason: 'Error 1.' }];
  const kernels = { ...DEVICE_REPORT.kernels, disabled, left: 3 };
  await checked({ kernels, answers: null, answersLeftOut: 'They took too long.' });
  const result = screen.getByTestId('check-result');
  expect(result.dataset.verdict).toBe('reduced');
  expect(within(result).getByRole('listitem').textContent).toBe('gemm/tiled_64 Error 1.');
  expect(result.textContent).toContain('no time for 3 more');
  expect(result.textContent).toContain('The questions were left out: They took too long.');
});

it('says why there is no check without a device', async () => {
  const { engine } = await checking();
  await engine.reject('checkDevice', { code: 'gpu/no-adapter', message: 'None.' });
  expect(screen.getByRole('alert').dataset.code).toBe('gpu/no-adapter');
});
