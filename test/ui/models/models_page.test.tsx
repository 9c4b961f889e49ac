// The Models page in its states: nothing chosen, a verdict either way, a download, and errors.
import { fireEvent, screen, within } from '@testing-library/preact';
import { expect, it } from 'vitest';
import { createDeviceCheck } from '../../../src/state/device_check';
import { createQualityState } from '../../../src/state/model_quality';
import { ModelsPage } from '../../../src/ui/models/models_page';
import type { ModelQuality } from '../../../src/worker/protocol/models';
import { arrivalOf, FIT, pauseDownload, startDownload } from '../../state/arrival_script';
import { LOADED_MODEL } from '../../state/engine_script';
import { settled } from '../../state/train_script';
import { renderIn } from '../page_script';
import { shelf } from '../page_state';

async function modelsPage() {
  const stored = await shelf();
  const { arrival } = arrivalOf(stored);
  const quality = createQualityState(stored.engine);
  const check = createDeviceCheck(stored.engine);
  renderIn(stored, <ModelsPage {...{ arrival, quality, check }} library={stored.library} />);
  await settled();
  return { ...stored, arrival };
}

const radio = (name: RegExp) => screen.getByRole<HTMLInputElement>('radio', { name });
const button = (name: string | RegExp) => screen.getByRole<HTMLButtonElement>('button', { name });

it('offers the built-in model and the catalogue with sizes, and what has arrived of one', async () => {
  const { engine } = await modelsPage();
  expect(radio(/Pocket/).closest('label')?.textContent).toContain('Comes with the page');
  expect(radio(/org\/model/).closest('label')?.textContent).toContain('954 MiB');
  await engine.resolve('listStoredModels', [
    { key: 'k', id: 'org/model', revision: null, commit: 'c', bytes: 2 ** 20, whole: false, lastUse: null },
  ]);
  expect(radio(/org\/model/).closest('label')?.textContent).toContain('1.0 MiB have arrived');
});

it('goes on with a part of a download that no list names', async () => {
  const { engine } = await modelsPage();
  await engine.resolve('listStoredModels', [
    { key: 'k', id: 'a/b', revision: null, commit: 'c0ffee', bytes: 2 ** 20, whole: false, lastUse: null },
  ]);
  expect(radio(/a\/b/).closest('label')?.textContent).toContain('1.0 MiB have arrived');
  fireEvent.click(radio(/a\/b/));
  expect(engine.values.get('assessModel')).toMatchObject([{ id: 'a/b', revision: 'c0ffee' }]);
});

it('says what a model takes before the click, and what to change', async () => {
  const { engine } = await modelsPage();
  fireEvent.click(radio(/org\/model/));
  await settled();
  expect(screen.getByRole('region', { name: 'org/model' }).textContent).toContain('trying what it takes');
  await engine.resolve('assessModel', FIT);
  expect(screen.getByTestId('fit').textContent).toContain('Fits this device: it takes 429 MiB');
  expect(screen.getByRole('table', { name: 'Graphics memory' }).textContent).toContain('Weights286 MiB');
  expect(button(/^Download 954 MiB and load$/).disabled).toBe(false);

  fireEvent.change(screen.getByRole('combobox', { name: /^Context/ }), { target: { value: '8192' } });
  expect(engine.values.get('assessModel')).toMatchObject([{ context: 8192 }]);
  const limit = 'This device did not give 9.0 GiB at once.';
  const advice = 'Set the context to 2048 tokens: then it takes 1.0 GiB and fits.';
  await engine.resolve('assessModel', { ...FIT, fits: false, limit, advice });
  const fit = screen.getByTestId('fit');
  expect(fit.dataset.fits).toBe('false');
  // What was downloaded may fit with other settings, but it is not what the page advises.
  expect(button('Download 954 MiB all the same').classList.contains('primary')).toBe(false);
  expect(fit.textContent).toContain(`${limit} ${advice}`);
});

it('says that a model fits tightly, and how to get room', async () => {
  const { engine } = await modelsPage();
  fireEvent.click(radio(/org\/model/));
  await engine.resolve('assessModel', { ...FIT, tight: true });
  const fit = screen.getByTestId('fit');
  expect(fit.textContent).toContain('Fits this device, but tightly: it takes 429 MiB');
  expect(fit.textContent).toContain('Close other pages');
  expect(button(/^Download/).disabled).toBe(false);
});

it('does not begin a download for which there is no room', async () => {
  const { engine } = await modelsPage();
  fireEvent.click(radio(/org\/model/));
  await engine.resolve('assessModel', { ...FIT, freeBytes: 1000 });
  expect(button(/^Download/).disabled).toBe(true);
  expect(screen.getByText(/the browser has about 1000 B for this page/)).toBeTruthy();
});

it('takes a name of the hub only in its form', async () => {
  const { engine } = await modelsPage();
  const form = within(screen.getByRole('form', { name: 'Another model of the hub' }));
  const look = form.getByRole<HTMLButtonElement>('button');
  expect(look.disabled).toBe(true);
  fireEvent.input(form.getByRole('textbox', { name: 'Name on the hub' }), { target: { value: ' a/b ' } });
  await settled();
  expect(look.disabled).toBe(false);
  fireEvent.click(look);
  expect(engine.values.get('assessModel')).toMatchObject([{ id: 'a/b', revision: 'main' }]);
});

it('shows a download, and asks before it is cancelled', async () => {
  const { arrival, engine } = await modelsPage();
  await startDownload(arrival, engine);
  await settled();
  const panel = screen.getByTestId('download');
  expect(within(panel).getByRole('progressbar').getAttribute('value')).toBe('100000000');
  expect(screen.getByTestId('download-pace').textContent).toBe('95.4 MiB of 954 MiB');
  // The button keeps the focus, says why it waits, and begins no other.
  const bring = button(/^Download/);
  bring.focus();
  fireEvent.click(bring);
  expect(document.activeElement).toBe(bring);
  expect(screen.getByText(/A download is under way/)).toBeTruthy();
  expect(engine.calls.filter((name) => name === 'downloadModel')).toHaveLength(1);
  await pauseDownload(arrival, engine);
  expect(panel.dataset.state).toBe('paused');
  expect(within(panel).getByRole('button', { name: 'Resume' })).toBeTruthy();
  // What has arrived is not downloaded again.
  expect(button(/^Download 858 MiB and load$/)).toBeTruthy();
  fireEvent.click(within(panel).getByRole('button', { name: 'Cancel' }));
  await settled();
  expect(screen.getByText(/95.4 MiB have arrived and would be deleted/)).toBeTruthy();
});

it('says where to accept a licence', async () => {
  const { engine } = await modelsPage();
  fireEvent.click(radio(/org\/model/));
  const message =
    'org/model is not open to everybody: accept its licence at https://huggingface.co/org/model';
  const page = 'https://huggingface.co/org/model';
  await engine.reject('assessModel', { code: 'model/hub-gated', message, data: { page } });
  const notice = screen.getByRole('alert');
  expect(notice.textContent).toContain(message);
  expect(notice.textContent).toContain('Hub and access');
  const link = within(notice).getByRole('link', { name: 'Open its page on the hub' });
  expect(['href', 'target', 'rel'].map((name) => link.getAttribute(name))).toEqual([
    page,
    '_blank',
    'noreferrer noopener',
  ]);
});

const QUALITY: ModelQuality = {
  ...{ id: 'pocket', precision: 'int4', relative: 0.0712 },
  roles: [{ role: 'text', formats: ['int4'], elements: 2.77e9, relative: 0.0712 }],
  worst: [{ name: 'layers.3.mlp.down_proj', format: 'int4', relative: 0.1234 }],
  logits: { questions: 3, tokens: 80, kl: 0.0123, largestKl: 0.5, agreement: 0.975 },
  leftOut: null,
};

async function measuring() {
  const page = await modelsPage();
  fireEvent.click(radio(/Pocket/));
  await page.engine.resolve('assessModel', { ...FIT, downloadBytes: 0 });
  fireEvent.click(button('Measure it'));
  await settled();
  return page;
}

it('measures what the precision of the loaded model costs, and only of that', async () => {
  const { engine } = await measuring();
  engine.emit({ type: 'qualityProgressed', phase: 'weights', done: 1, total: 4 });
  await settled();
  expect(screen.getByTestId('quality-progress').textContent).toBe('Comparing weights: 25.0 %');
  await engine.resolve('measureQuality', QUALITY);
  const result = screen.getByTestId('quality-result');
  expect(result.textContent).toContain('differ from the stored ones by 7.12 %');
  expect(within(result).getByRole('row', { name: /Language model/ }).textContent).toBe(
    'Language modelint42.77 B7.12 %',
  );
  expect(result.textContent).toContain('layers.3.mlp.down_proj int4 12.3 %');
  expect(result.textContent).toContain(
    'Along 80 tokens of 3 answers it puts the same token first 97.5 % of the time',
  );
  fireEvent.click(radio(/org\/model/));
  await engine.resolve('assessModel', FIT);
  expect(screen.queryByTestId('quality-result')).toBeNull();
});

it('says what was left out of a measurement, and forgets the figures of a model that was loaded anew', async () => {
  const { engine } = await measuring();
  const leftOut = 'The answers were not compared: that needs the model a second time.';
  await engine.resolve('measureQuality', { ...QUALITY, logits: null, leftOut });
  expect(screen.getByTestId('quality-result').textContent).toContain(leftOut);
  engine.emit({ type: 'modelLoaded', model: LOADED_MODEL });
  await settled();
  expect(screen.queryByTestId('quality-result')).toBeNull();
});

it('tells a measurement that somebody cancelled from one that a question ended', async () => {
  const { engine } = await measuring();
  const ended = { code: 'engine/cancelled', message: 'Cancelled.' } as const;
  fireEvent.click(button('Cancel'));
  expect(engine.calls).toContain('cancelQuality');
  await engine.reject('measureQuality', ended);
  expect(screen.queryByText(/came first/)).toBeNull();
  fireEvent.click(button('Measure it'));
  await settled();
  await engine.reject('measureQuality', ended);
  expect(screen.getByText(/came first/)).toBeTruthy();
});
