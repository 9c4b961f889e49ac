// After one visit the page needs no server: it opens and answers when its host is gone. A new version waits until it is
// taken, and not while something runs.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { writePrecache } from '../../tools/vite_precache.mjs';
import { LookPage } from './look_page';
import { StaticHost } from './static_host';

test.use({ serviceWorkers: 'allow' });

test('everything works without a host, and a new version is taken by hand', async ({ page }) => {
  const host = new StaticHost('dist');
  await host.start();
  const look = new LookPage(page);
  await page.goto(host.address);
  await expect(page.getByRole('contentinfo')).toContainText('Kept on this device', { timeout: 90_000 });

  await host.stop();
  await page.reload();
  await expect(look.status).toHaveText(/is ready\./, { timeout: 60_000 });
  for (const name of ['train', 'data', 'lab', 'models', 'library']) {
    await page.getByTestId(`nav-${name}`).click();
    await expect(page.getByRole('main').getByRole('heading', { level: 2 }).first()).toBeVisible();
  }
  await page.getByTestId('nav-look').click();
  await look.chooseExample(0);
  await look.askAndWait();
  expect(await look.text()).not.toBe('');
  expect(look.problems).toEqual([]);

  const index = join(host.files, 'index.html');
  writeFileSync(index, readFileSync(index, 'utf8').replace('<html', '<html data-build="next"'));
  writePrecache(host.files);
  await host.start();
  await page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.update());
  const line = page.getByTestId('new-version');
  const take = line.getByRole('button', { name: 'Take it' });
  await expect(take).toBeEnabled();
  await look.ask();
  await expect(take).toBeDisabled();
  await look.settled();
  expect(await page.locator('html').getAttribute('data-build')).toBeNull();
  await take.click();
  await expect(page.locator('html')).toHaveAttribute('data-build', 'next');
  await host.stop();
  host.remove();
});
