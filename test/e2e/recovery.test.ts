// The GPU process dies in mid-answer: the page says so, keeps the text, recovers by itself and answers again.
import { expect, test } from '@playwright/test';
import { LookPage } from './look_page';

test('a crash of the GPU process in mid-answer is recovered', async ({ page, browser }) => {
  const look = new LookPage(page);
  const devtools = await browser.newBrowserCDPSession();
  await look.ready();
  await look.chooseExample(0);
  // A hot answer runs to the longest length; the page itself reports its first token, as answers take about a second.
  await page.getByLabel('Temperature').fill('2');
  await page.getByLabel('Longest answer').fill('160');
  await page.exposeFunction('firstToken', () =>
    devtools.send('Browser.crashGpuProcess').catch(() => undefined),
  );
  await page.evaluate(() => {
    const stream = document.querySelector('.stream');
    const observer = new MutationObserver(() => {
      observer.disconnect();
      (globalThis as unknown as { firstToken(): void }).firstToken();
    });
    if (stream) observer.observe(stream, { childList: true });
  });
  await look.question.press('Enter');
  await look.settled('interrupted');
  const trouble = page.getByTestId('device-trouble');
  await expect(trouble).toBeVisible();
  const kept = await look.text();
  expect(kept).not.toBe('');
  await expect(trouble).toHaveAttribute('data-state', 'restored', { timeout: 60_000 });
  expect(await look.text()).toBe(kept);

  await page.getByRole('button', { name: 'Ask again', exact: true }).first().click();
  await look.settled();
  // The same seed on the same device: what was kept is how the whole answer begins.
  const beginning = kept.slice(0, 12);
  expect((await look.text()).slice(0, beginning.length)).toBe(beginning);
  await expect(trouble).toHaveCount(0);
});
