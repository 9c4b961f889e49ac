// The GPU process dies in mid-answer: the page says so, keeps the text, recovers by itself and answers again.
import { expect, test } from '@playwright/test';
import { LookPage } from './look_page';

test('a crash of the GPU process in mid-answer is recovered', async ({ page, browser }) => {
  const look = new LookPage(page);
  const devtools = await browser.newBrowserCDPSession();
  await look.ready();
  await look.chooseExample(0);
  await look.ask();
  await page.locator('.token').first().waitFor();
  await devtools.send('Browser.crashGpuProcess').catch(() => undefined);
  await look.settled('interrupted');
  const trouble = page.getByTestId('device-trouble');
  await expect(trouble).toBeVisible();
  const kept = await look.text();
  expect(kept).toMatch(/^<think>/);
  await expect(trouble).toHaveAttribute('data-state', 'restored', { timeout: 60_000 });
  expect(await look.text()).toBe(kept);

  await page.getByRole('button', { name: 'Ask again', exact: true }).first().click();
  await look.settled();
  await expect(look.status).toHaveText(/^Answer: \d+\.$/);
  expect((await look.text()).startsWith(kept.split('|')[0]?.slice(0, 12) ?? '')).toBe(true);
  await expect(trouble).toHaveCount(0);
});
