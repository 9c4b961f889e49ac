// Loading: named phases, cancelling and trying again, and another model.
import { expect, test } from '@playwright/test';
import { LookPage } from './look_page';

test('cancel, try again, and change the model', async ({ page }) => {
  const look = new LookPage(page);
  // The page offers one model; the same files under another name stand in for a second.
  await page.route('**/models/models.json', async (route) => {
    const list = (await (await route.fetch()).json()) as { id: string; label: string }[];
    const twins = list.map((entry) => ({ ...entry, id: `${entry.id}_twin`, label: `${entry.label} twin` }));
    await route.fulfill({ json: [...list, ...twins] });
  });
  await look.open();
  const panel = page.getByRole('region', { name: /^Loading/ });
  await expect(panel.getByRole('listitem')).toHaveCount(6);
  // Compiling takes seconds on a software adapter, so there is always something left to cancel.
  await expect(panel).toHaveAttribute('data-phase', /./);
  await panel.getByRole('button', { name: 'Cancel' }).click();
  const notice = page.locator('.notice');
  await expect(notice).toHaveAttribute('data-code', 'engine/cancelled', { timeout: 60_000 });
  await expect(panel).toHaveCount(0);
  await notice.getByRole('button', { name: 'Try again' }).click();
  await expect(notice).toHaveCount(0);
  await expect(look.status).toHaveText(/is ready\./, { timeout: 60_000 });

  const chooser = page.getByRole('combobox', { name: 'Model' });
  const names = await chooser.getByRole('option').allTextContents();
  expect(names.length).toBeGreaterThan(1);
  await chooser.selectOption({ index: 1 });
  await expect(look.status).toHaveText(`${names[1]} is ready.`, { timeout: 60_000 });
  await look.chooseExample(0);
  await page.getByLabel('Longest answer').fill('4');
  await look.askAndWait();
  await expect(page.locator('[data-figure=model] dd')).toHaveText(names[1] ?? '');
});
