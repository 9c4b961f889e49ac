// The first minute: a recorded look back plays at once, with or without WebGPU, and ends on the look; answers can be kept
// as files and played elsewhere.
import { readFileSync } from 'node:fs';
import { AxeBuilder } from '@axe-core/playwright';
import { expect, test } from '@playwright/test';
import { LookPage } from './look_page';

// A first visit: the other journeys switch the recording off.
test.use({ storageState: { cookies: [], origins: [] } });

test('the recording plays without WebGPU and ends on the look back @no-webgpu', async ({ page }) => {
  const look = new LookPage(page);
  await look.open();
  const bar = page.getByTestId('replay-bar');
  await expect(bar).toContainText('Recorded');

  // Paused and moved by keyboard, the stream follows.
  const slider = bar.getByRole('slider', { name: 'Tokens shown' });
  await slider.focus();
  await slider.press('Home');
  await expect(page.locator('.card-text')).toHaveCount(0);
  await expect(page.getByTestId('headline')).toContainText('Watch a model look back');
  await expect(bar).toHaveAttribute('data-running', 'false');
  await slider.press('ArrowRight');
  await slider.press('ArrowRight');
  await expect(slider).toHaveAttribute('aria-valuetext', /^2 of \d+$/);
  await expect(page.locator('.card-think')).toHaveCount(1);

  await bar.getByRole('combobox', { name: 'Tokens per second' }).selectOption('60');
  await bar.getByRole('button', { name: 'Play', exact: true }).click();
  await look.settled();
  await expect(bar).toHaveAttribute('data-running', 'false');
  await expect(page.getByTestId('headline')).toContainText(/First thought \d+ · looked back · answered \d+/);
  await expect(page.getByTestId('verdict')).toHaveText(/^Right/);
  // All views rest on the look back.
  const bands = await look.chart.getAttribute('data-bands');
  expect(bands).toMatch(/^\d+-\d+$/);
  expect(await look.ranges()).toEqual([bands, bands, bands]);
  await expect(look.sentence).toContainText('on the image');
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);

  // Once switched off, it does not come again.
  await bar.getByRole('checkbox', { name: 'Play this when the page opens' }).uncheck();
  await page.reload();
  await expect(page.locator('.notice')).toBeVisible({ timeout: 30_000 });
  await expect(bar).toHaveCount(0);
});

test('a live answer is played again, saved, and opened on a page without a model', async ({
  browser,
  page,
}) => {
  const look = new LookPage(page);
  await look.ready();
  // The recording is asked again, live, about its own picture.
  await look.chooseExample(0);
  await expect(page.getByTestId('earlier')).toBeVisible();
  await look.askAndWait();
  await expect(page.getByTestId('replay-bar')).toHaveCount(0);
  const text = await look.text();
  const verdict = await page.getByTestId('verdict').textContent();

  const saving = page.waitForEvent('download');
  await page.getByTestId('save-trace').click();
  const saved = await saving;
  expect(saved.suggestedFilename()).toMatch(/\.trace\.json$/);
  const file = readFileSync(await saved.path());

  await page.getByTestId('replay').click();
  await expect(look.answer).toHaveAttribute('data-status', 'replaying');
  await expect(page.getByTestId('replay-bar')).toContainText('Played again');
  await page.getByRole('combobox', { name: 'Tokens per second' }).selectOption('60');
  await look.settled();
  await expect.poll(() => look.text()).toBe(text);

  const other = new LookPage(await browser.newPage({ reducedMotion: 'reduce' }));
  await other.open();
  await expect(other.page.getByTestId('replay-bar')).toBeVisible();
  await other.drop('kept.trace.json', 'application/json', file);
  await other.page.getByRole('combobox', { name: 'Tokens per second' }).selectOption('60');
  await other.settled();
  await expect.poll(() => other.text()).toBe(text);
  await expect(other.page.getByTestId('verdict')).toHaveText(verdict ?? '');
  await other.drop('broken.trace.json', 'application/json', file.subarray(0, 400));
  await expect(other.page.locator('.notice')).toContainText('broken.trace.json is not JSON');
  await expect.poll(() => other.text()).toBe(text);
  await other.page.close();
});
