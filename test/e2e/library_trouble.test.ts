// What must not be lost: a full disk while training and importing, and a GPU process that dies in mid-step.
// One page, in order. The quota is set before the first write: Chromium remembers for half a minute how much room there
// was, and asks again at once only when that is too little.
import { type CDPSession, expect, test } from '@playwright/test';
import { newTrainPage, type TrainPage, worldSet } from './train_page';

test.describe.configure({ mode: 'serial', timeout: 300_000 });

let train: TrainPage;
let devtools: CDPSession;
let origin: string;
test.beforeAll(async ({ browser, baseURL }) => {
  train = await newTrainPage(browser);
  devtools = await train.page.context().newCDPSession(train.page);
  origin = new URL(baseURL ?? '').origin;
  await train.page.goto('./icon.svg');
  await devtools.send('Storage.clearDataForOrigin', { origin, storageTypes: 'all' });
  await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 250_000 });
  await train.ready();
});
test.afterAll(() => train.page.context().close());

const SET = 'Three sheets';
const PLAN = {
  ...{ name: 'In trouble', maxSteps: '2', saveSteps: '1' },
  ...{ 'sft.batchSize': '1', evalSteps: '0' },
};

test('a full disk: nothing is lost, and what was refused works once there is room', async () => {
  const { page } = train;
  await train.go('library');
  const adapters = page.getByTestId('library-adapter');
  const bundled = adapters.filter({ hasText: 'SFT only' });
  await expect(bundled).toBeVisible();
  const known = await adapters.count();
  const { bytes } = await train.downloaded(bundled.getByTestId('adapter-export'));
  const zip = { name: 'Too big.zip', mimeType: 'application/zip', buffer: bytes };
  await page.getByTestId('adapter-import').setInputFiles(zip);
  const notice = page.locator('.notice');
  await expect(notice).toHaveAttribute('data-code', 'storage/full');
  await expect(notice).toContainText('There is no room to save the adapter "Too big"; nothing was changed.');
  await expect(adapters).toHaveCount(known);

  await train.go('data');
  await train.previewSet(await worldSet(3));
  await train.keepSet(SET);
  await train.go('train');
  await train.plan('sft-quick', SET, PLAN);
  await train.start();
  await train.state('paused');
  await expect(page.getByRole('alert')).toHaveAttribute('data-code', 'storage/full');
  await expect(page.getByRole('alert')).toContainText('There is no room to save the checkpoint of step 1');
  await expect(train.rows).toHaveCount(1);
  await expect(train.rows).toHaveAttribute('data-state', 'paused');

  // Without a size the browser's own quota is back.
  await devtools.send('Storage.overrideQuotaForOrigin', { origin });
  await page.getByTestId('resume').click();
  await train.state('finished');
  // The step whose checkpoint was refused was still in memory: it was not taken again.
  expect(await train.exportedSteps()).toEqual([1, 2]);
  await train.saveAdapter('Saved after all');

  await train.go('library');
  await page.getByTestId('adapter-import').setInputFiles(zip);
  await expect(adapters).toHaveCount(known + 2);
});

test('a crash of the GPU process in mid-step: training goes on from its checkpoint, or says why not', async ({
  browser,
}) => {
  const { page } = train;
  await train.go('train');
  await train.plan('sft-quick', SET, { ...PLAN, name: 'Crashed', maxSteps: '6', saveSteps: '2' });
  await train.start();
  await expect(page.getByRole('heading', { name: 'Crashed' })).toBeVisible();
  await train.stepped(3);
  const whole = await browser.newBrowserCDPSession();
  await whole.send('Browser.crashGpuProcess').catch(() => undefined);
  const said = page
    .locator('.run-panel')
    .getByText(/The graphics device was (lost|reset)|No graphics device/);
  await expect(said).toBeVisible({ timeout: 30_000 });
  await expect(train.runState).toHaveAttribute('data-state', /finished|paused/, { timeout: 120_000 });
  if ((await train.runState.getAttribute('data-state')) === 'paused') {
    // No device came back in this process: the reason is shown, and a reload goes on.
    await expect(page.getByRole('alert')).toHaveAttribute('data-code', /^gpu\//);
    await page.reload();
    await train.state('paused');
    await page.getByTestId('resume').click();
    await train.state('finished');
  }
  await expect(train.runStep).toHaveText('6 of 6');
  expect(await train.exportedSteps()).toEqual([1, 2, 3, 4, 5, 6]);
});
