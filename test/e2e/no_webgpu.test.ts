// A visit without WebGPU: why, what to do, and a page that still works as far as it can.
import { AxeBuilder } from '@axe-core/playwright';
import { expect, test } from '@playwright/test';
import { LookPage } from './look_page';

test('no graphics adapter @no-webgpu', async ({ page }) => {
  const look = new LookPage(page);
  await look.open();
  const notice = page.locator('.notice');
  await expect(notice).toHaveAttribute('data-code', 'gpu/no-adapter', { timeout: 30_000 });
  await expect(notice).toContainText('no graphics device answered');
  // The reason takes one line of the screen; the next steps are a press away.
  const viewport = page.viewportSize()?.height ?? 0;
  expect((await notice.boundingBox())?.height).toBeLessThan(viewport / 12);
  await notice.getByText('What to do').click();
  await expect(notice.getByRole('listitem').first()).toBeVisible();
  await notice.getByText('Details for a report').click();
  await expect(notice).toContainText('code: gpu/no-adapter');
  // Pictures can be looked at, and the question says why it cannot be asked.
  await page.getByRole('group', { name: 'Examples' }).getByRole('button').first().click();
  await expect(page.getByRole('img', { name: /^The picture/ })).toBeVisible();
  const ask = page.getByRole('button', { name: 'Ask', exact: true });
  await expect(ask).toBeDisabled();
  await expect(ask).toHaveAccessibleDescription(/no model is loaded/);
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  // This browser has no camera, or gives it to no page: it says so, and what to do.
  await page.getByTestId('camera').click();
  await expect(page.getByRole('dialog').locator('.notice')).toHaveAttribute('data-code', 'data/camera');
  await page.keyboard.press('Escape');
  await expect(page.getByTestId('camera')).toBeFocused();
  await notice.getByRole('button', { name: 'Try again' }).click();
  await expect(notice).toHaveAttribute('data-code', 'gpu/no-adapter');

  // The address follows what the page is set to, and a lesson that embeds it finds all of that again.
  await look.question.fill('How many blue stars?');
  await page.getByLabel('Seed', { exact: true }).fill('7');
  await page.getByLabel('Seed', { exact: true }).press('Tab');
  await expect(page).toHaveURL(
    /#\/look\?seed=7&question=How%20many%20blue%20stars%3F&example=full_sheet\.png$/,
  );
  // Coming back from another page chooses nothing anew.
  const addresses = page.url();
  await page.getByTestId('nav-data').click();
  await expect(page.getByRole('main')).toHaveAttribute('data-page', 'data');
  await page.goBack();
  await expect(page).toHaveURL(addresses);
  await expect(page.getByRole('img', { name: /^The picture A crowded sheet/ })).toBeVisible();
  await page.goto(`./?embed=1&hide=chart,notes${new URL(page.url()).hash}`);
  await expect(page.getByRole('img', { name: /^The picture A crowded sheet/ })).toBeVisible();
  await expect(look.question).toHaveValue('How many blue stars?');
  await expect(page.getByLabel('Seed', { exact: true })).toHaveValue('7');
  for (const part of [page.getByRole('banner'), look.chart, page.getByTestId('model-view')]) {
    await expect(part).toBeHidden();
  }
});

test('a page that did not come through https @no-webgpu', async ({ page, baseURL }) => {
  // Another host name is no secure context; its requests are answered by the same server.
  await page.route('http://look-back.example/**', async (route) => {
    const url = route.request().url().replace('http://look-back.example', `${baseURL}`);
    await route.fulfill({ response: await route.fetch({ url }) });
  });
  await page.goto('http://look-back.example/');
  const notice = page.locator('.notice');
  await expect(notice).toHaveAttribute('data-code', 'page/insecure', { timeout: 30_000 });
  await expect(notice).toContainText('https://');
  // What the page still fetches may be cut off by the end of the test.
  await page.unrouteAll({ behavior: 'ignoreErrors' });
});
