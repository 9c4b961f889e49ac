// Accessibility and layout: axe in light and dark, a narrow screen, keys that can be switched off, the theme.
import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Locator, test } from '@playwright/test';
import { LookPage } from './look_page';

test('no axe violations: empty, finished and selected, in light and dark', async ({ page }) => {
  const violations = async () => (await new AxeBuilder({ page }).analyze()).violations;
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  const look = new LookPage(page);
  await look.open();
  await expect(page.getByRole('group', { name: 'Examples' })).toBeVisible();
  expect(await violations()).toEqual([]);
  await page.emulateMedia({ colorScheme: 'dark' });
  expect(await violations()).toEqual([]);
  await expect(look.status).toHaveText(/is ready\./, { timeout: 60_000 });
  await look.chooseExample(0);
  await look.askAndWait();
  await look.leaveFields();
  await page.keyboard.press('b');
  await page.getByText('Shares as a table').click();
  await page.getByText('What is plotted').click();
  expect(await violations()).toEqual([]);
  await page.emulateMedia({ colorScheme: 'light' });
  expect(await violations()).toEqual([]);
});

test('a phone shows answer and map without scrolling; keys and theme can be changed', async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  const look = new LookPage(page);
  await look.watchShifts();
  await look.ready();
  expect(await look.shifts()).toBeLessThanOrEqual(0.02);
  const banner = page.getByRole('banner');
  const sideways = () => banner.evaluate((bar) => bar.scrollWidth - bar.clientWidth);
  expect((await banner.boundingBox())?.height).toBeLessThanOrEqual(64);
  expect(await sideways()).toBe(0);
  // The question stands on the bar of pages without a gap that shows what is behind them.
  const edge = async (part: Locator) => (await part.boundingBox()) ?? { y: Number.NaN, height: Number.NaN };
  const panel = await edge(page.getByRole('region', { name: 'Question' }));
  expect(panel.y + panel.height).toBeGreaterThanOrEqual((await edge(page.getByRole('navigation'))).y);
  await page.getByRole('group', { name: 'Examples' }).getByRole('button').first().click();
  await page.getByRole('button', { name: 'Ask', exact: true }).click();
  await expect(look.answer).not.toHaveAttribute('data-status', 'waiting', { timeout: 30_000 });
  await look.settled();
  // The answer begins below the picture, which stays above it.
  const picture = await look.heatmap.boundingBox();
  const headline = await page.getByTestId('headline').boundingBox();
  expect(headline?.y).toBeGreaterThanOrEqual((picture?.y ?? Number.NaN) + (picture?.height ?? Number.NaN));
  await expect(page.getByTestId('headline')).toBeInViewport({ ratio: 1 });
  const token = page.locator('.card-back .token').first();
  await expect(token).toBeInViewport({ ratio: 1 });
  await token.click();
  await expect(look.heatmap).toBeInViewport({ ratio: 1 });
  await expect(look.heatmap).toHaveAttribute('data-grid', '4x4');
  await expect(page.getByTestId('nav-train')).toBeInViewport({ ratio: 1 });
  await page.setViewportSize({ width: 320, height: 700 });
  // Charts follow the new width in the next frame.
  const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  await expect.poll(overflow).toBeLessThanOrEqual(0);
  await expect.poll(sideways).toBe(0);
  await page.getByRole('button', { name: /^Strength/ }).click();
  await expect(page.getByTestId('adapter-strength')).toBeInViewport({ ratio: 1 });

  await look.leaveFields();
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keys' })).toBeVisible();
  await page.getByLabel('Single-letter keys').uncheck();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog', { name: 'Keys' })).toHaveCount(0);
  await look.leaveFields();
  const before = await look.ranges();
  await page.keyboard.press('b');
  expect(await look.ranges()).toEqual(before);

  await page.getByRole('button', { name: 'Use dark colours' }).click();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await page.reload();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
});
