// Records an answer of the built page as a trace: `node tools/record_trace.mjs OUT EXAMPLE [QUESTION]`. The page itself
// loads its default model and adapter, asks about the example picture of that number (from 0), greedily, and saves the file.
// Without a question the example's own is asked. Says what the answer did, so that a telling one can be chosen.
import { spawn } from 'node:child_process';
import { chromium } from '@playwright/test';
import { BROWSER_ARGS, findBrowser } from './browser.mjs';

const [out, example, question] = process.argv.slice(2);
if (out === undefined || !/^\d+$/.test(example ?? '')) {
  console.error('usage: record_trace.mjs OUT EXAMPLE [QUESTION]');
  process.exit(2);
}
const PORT = 4721;
const server = spawn('node', [
  'node_modules/vite/bin/vite.js',
  'preview',
  '--port',
  `${PORT}`,
  '--strictPort',
]);
const executablePath = findBrowser();
const browser = await chromium.launch({ ...(executablePath ? { executablePath } : {}), args: BROWSER_ARGS });
try {
  await new Promise((resolve) => server.stdout.once('data', resolve));
  const page = await browser.newPage();
  await page.addInitScript(() => localStorage.setItem('look-back/first-trace', 'off'));
  await page.goto(`http://localhost:${PORT}`);
  await page.getByRole('group', { name: 'Examples' }).getByRole('button').nth(Number(example)).click();
  const field = page.getByRole('textbox', { name: 'Your question' });
  await page
    .getByRole('button', { name: 'Ask', exact: true })
    .and(page.locator(':enabled'))
    .waitFor({ timeout: 90_000 });
  if (question !== undefined) await field.fill(question);
  await page.getByRole('button', { name: 'Ask', exact: true }).click();
  await page.locator('[data-testid=answer][data-status=finished]').waitFor({ timeout: 90_000 });
  const download = page.waitForEvent('download');
  await page.getByTestId('save-trace').click();
  await (await download).saveAs(out);
  console.log(
    await field.inputValue(),
    '|',
    await page
      .getByTestId('verdict')
      .textContent()
      .catch(() => ''),
  );
  console.log((await page.locator('.card-text').allTextContents()).join(' | '));
} finally {
  await browser.close();
  server.kill();
}
