// A model arrives: chosen by catalogue and by name, judged, downloaded over a hub with faults, paused and resumed, asked
// about a photograph, lost with its device, opened again with the hub off, and deleted.

import { readFileSync } from 'node:fs';
import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Page, test } from '@playwright/test';
import { openModelHub } from '../hub/hub_commands.ts';
import { LookPage } from './look_page';
import { lookUp, useHub } from './models_page';

const POCKET = 'public/models/pocket';
/** Three pieces of a download. */
const PADDING = 20 << 20;
const CATALOGUED = 'HuggingFaceTB/SmolVLM-256M-Instruct';
const PHOTOGRAPH = readFileSync('test/fixtures/photographs/coffee.jpg');

type Hub = Awaited<ReturnType<typeof openModelHub>>;
let hub: Hub;
test.beforeAll(async () => {
  hub = await openModelHub([
    { id: CATALOGUED, folder: POCKET },
    { id: 'tiny/long', folder: POCKET, padding: PADDING },
    { id: 'gated/pocket', folder: POCKET },
  ]);
  hub.gated.set('gated/pocket', 'secret');
});
test.afterAll(() => hub.close());

/** Shown in pictures of the page, where somebody asks for them. */
async function show(page: Page, name: string): Promise<void> {
  const folder = process.env.LOOKBACK_SCREENSHOTS;
  if (!folder) return;
  await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
  const size = page.viewportSize();
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.setViewportSize({ width: 390, height: 844 });
  await page.screenshot({ path: `${folder}/${name}-dark-narrow.png`, fullPage: true });
  await page.emulateMedia({ colorScheme: null });
  if (size !== null) await page.setViewportSize(size);
}

async function isAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
}

test('a model arrives, answers, survives its device and the hub, and goes', async ({ page, browser }) => {
  test.setTimeout(240_000);
  const look = new LookPage(page);
  await look.ready();
  await page.getByTestId('nav-models').click();
  await expect(page.getByRole('heading', { name: 'Models', exact: true })).toBeVisible();
  await show(page, 'models-first');
  await useHub(page, hub.endpoint.href);

  await page.getByRole('radio', { name: CATALOGUED }).check();
  const fit = page.getByTestId('fit');
  await expect(fit).toHaveAttribute('data-fits', 'true', { timeout: 60_000 });
  expect(hub.requests.filter(({ path }) => path.endsWith('.safetensors'))).toEqual([]);
  await isAccessible(page);
  await show(page, 'models-verdict');

  await lookUp(page, 'tiny/long');
  const bring = page.getByTestId('bring');
  await expect(bring).toHaveText(/^Download 21\.\d MiB and load$/, { timeout: 60_000 });
  // The first piece comes and the second never does, until somebody pauses and resumes.
  const path = 'model.safetensors';
  hub.planned.push({ path, fault: null }, { path, fault: 'stall' }, { path, fault: 'stall' });
  hub.planned.push(
    { path: 'config.json', fault: 'server-error' },
    { path: 'tokenizer.json', fault: 'cut-body' },
  );
  await bring.click();
  const download = page.getByTestId('download');
  await expect(page.getByTestId('download-pace')).toContainText(/8\.\d MiB of 21\.\d MiB/, {
    timeout: 30_000,
  });
  await isAccessible(page);
  await show(page, 'models-downloading');
  await download.getByRole('button', { name: 'Pause' }).click();
  await expect(download).toHaveAttribute('data-state', 'paused');
  await show(page, 'models-paused');
  hub.requests.length = 0;
  hub.planned.push({ path, fault: 'cut-body' }, { path, fault: 'expired' });
  await download.getByRole('button', { name: 'Resume' }).click();
  await expect(look.status).toHaveText('tiny/long is ready.', { timeout: 60_000 });
  await expect(download).toHaveCount(0);
  const ranges = hub.requests.flatMap(({ path, range }) =>
    path.endsWith('model.safetensors') ? [range] : [],
  );
  expect(ranges.filter((range) => range?.startsWith('bytes=0-'))).toEqual([]);
  await show(page, 'models-loaded');

  // Pocket's weights are put on the device as they are stored, so the figures are known.
  await page.getByTestId('measure-quality').click();
  const quality = page.getByTestId('quality-result');
  await expect(quality).toContainText('its weights are exactly the stored ones', { timeout: 60_000 });
  await expect(quality).toContainText(/of 3 answers it puts the same token first 100\.0 % of the time/);
  await isAccessible(page);
  await show(page, 'models-quality');

  await page.getByRole('link', { name: 'Go to the Look page' }).click();
  await look.upload('coffee.jpg', 'image/jpeg', PHOTOGRAPH);
  await expect(page.getByRole('img', { name: /^The picture coffee\.jpg/ })).toBeVisible();
  await look.question.fill('How many blue circles? Add 4.');
  await page.getByLabel('Longest answer').fill('12');
  await look.askAndWait();
  const answer = await look.text();
  expect(answer).not.toBe('');
  await expect(page.locator('[data-figure=model] dd')).toHaveText('tiny/long');

  // From here on nothing can come over the network.
  await hub.close();
  const devtools = await browser.newBrowserCDPSession();
  await devtools.send('Browser.crashGpuProcess').catch(() => undefined);
  const trouble = page.getByTestId('device-trouble');
  await expect(trouble).toHaveAttribute('data-state', 'restored', { timeout: 60_000 });
  await page.getByRole('button', { name: 'Ask again', exact: true }).first().click();
  await look.settled();
  expect(await look.text()).toBe(answer);

  await page.reload();
  await expect(look.status).toHaveText(/is ready\./, { timeout: 60_000 });
  const chooser = page.getByRole('combobox', { name: 'Model' });
  await chooser.selectOption('tiny/long');
  await expect(look.status).toHaveText('tiny/long is ready.', { timeout: 60_000 });

  await page.getByTestId('nav-library').click();
  const item = page.getByTestId('library-model');
  await expect(item).toContainText(/21\.\d MiB, main \(01234567\), last used/);
  await expect(item.getByRole('button', { name: 'Delete tiny/long' })).toBeDisabled();
  await chooser.selectOption('pocket');
  await expect(look.status).toHaveText(/pocket is ready\./i, { timeout: 60_000 });
  await item.getByRole('button', { name: 'Delete tiny/long' }).click();
  await expect(page.getByRole('dialog')).toContainText(/This frees 21\.\d MiB/);
  await show(page, 'models-delete');
  await page.getByTestId('confirm-yes').click();
  await expect(page.getByTestId('library-news')).toContainText('tiny/long');
  await expect(item).toHaveCount(0);
  await expect(chooser.getByRole('option')).toHaveCount(1);
});

test('a gated model says where to accept its licence, and opens with a token', async ({ page }) => {
  const gated = await openModelHub([
    { id: 'gated/pocket', folder: POCKET },
    { id: 'gated/adapter', folder: 'public/adapters/pocket-lookback' },
  ]);
  for (const id of ['gated/pocket', 'gated/adapter']) gated.gated.set(id, 'secret');
  const look = new LookPage(page);
  await look.ready();
  await page.getByTestId('nav-models').click();
  await useHub(page, gated.endpoint.href);
  await lookUp(page, 'gated/pocket');
  const notice = page.locator('.notice');
  await expect(notice).toHaveAttribute('data-code', 'model/hub-gated', { timeout: 60_000 });
  const link = notice.getByRole('link', { name: 'Open its page on the hub' });
  await expect(link).toHaveAttribute('href', `${gated.endpoint.href}gated/pocket`);
  await expect(link).toHaveAttribute('rel', 'noreferrer noopener');
  await show(page, 'models-gated');
  await useHub(page, gated.endpoint.href, 'secret');
  await expect(page.getByTestId('fit')).toHaveAttribute('data-fits', 'true', { timeout: 60_000 });
  await expect(notice).toHaveCount(0);
  expect(gated.requests.filter(({ host, token }) => host === 'storage' && token)).toEqual([]);
  await lookUp(page, 'nobody/nothing');
  await expect(notice).toHaveAttribute('data-code', 'model/hub-missing', { timeout: 60_000 });

  // An adapter comes by its name, too, from the same hub with the same token.
  await page.getByTestId('nav-library').click();
  const form = page.getByRole('form', { name: 'Adapter of the hub' });
  const fetchIt = async (name: string): Promise<void> => {
    await form.getByRole('textbox').fill(name);
    await form.getByRole('button', { name: 'Fetch it' }).click();
  };
  await fetchIt('gated/pocket');
  await expect(notice).toHaveAttribute('data-code', 'model/adapter', { timeout: 60_000 });
  await expect(notice).toBeInViewport();
  gated.planned.push({ path: 'adapter_model.safetensors', fault: 'stall' });
  await fetchIt(`${gated.endpoint.href}gated/adapter/tree/main`);
  await expect(page.getByTestId('hub-adapter-pace')).toContainText(/ of .* KiB/);
  await show(page, 'library-hub-adapter');
  await form.getByRole('button', { name: 'Cancel' }).click();
  await expect(form.getByRole('button', { name: 'Fetch it' })).toBeEnabled();
  await expect(notice).toHaveCount(0);
  gated.planned.length = 0;
  await form.getByRole('button', { name: 'Fetch it' }).click();
  await expect(page.getByTestId('library-news')).toContainText('“gated/adapter” was imported.');
  await isAccessible(page);
  await gated.close();
});
