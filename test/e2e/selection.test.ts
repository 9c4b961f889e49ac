// One selection, three views: chosen by keyboard, pointer and table, and always the same steps everywhere.
import { expect, test } from '@playwright/test';
import { sharedLookPage } from './look_page';

const shared = sharedLookPage();

test('a back segment chosen by keyboard: chart, map and sentence agree', async () => {
  const look = shared();
  const { page } = look;
  await look.chooseExample(0);
  await look.askAndWait();
  const tokens = await look.tokens();
  // It ends on its look; from there back to the newest step.
  await expect(look.sentence).toHaveAttribute('data-kind', 'back');
  await look.leaveFields();
  await page.keyboard.press('Escape');
  const [live] = await look.ranges();
  expect(await look.ranges()).toEqual([live, live, live]);

  await look.leaveFields();
  await page.keyboard.press('b');
  const band = (await look.chart.getAttribute('data-bands')) ?? '';
  expect(band).toMatch(/^\d+-\d+$/);
  expect(await look.ranges()).toEqual([band, band, band]);
  const [from = 0, to = 0] = band.split('-').map(Number);
  await expect(look.sentence).toHaveAttribute('data-kind', 'back');
  await expect(look.sentence).toContainText(`Steps ${from + 1} to ${to + 1}, inside back: on average`);
  await expect(look.status).toHaveText(/^Steps \d+ to \d+, inside back/);
  await expect(page.locator('.token.marked').first()).toHaveText('<back>');
  await expect(page.locator('.token.marked').last()).toHaveText(/<\/back>/);

  // The map's mass is the image share: both are means of the same steps. The heatmap shows the mass before the layers'
  // normalisation, so it may only be a little smaller.
  const share = Number(await look.sentence.getAttribute('data-image-share'));
  const mass = Number(await look.heatmap.getAttribute('data-sum'));
  expect(share).toBeGreaterThan(0.02);
  expect(mass).toBeGreaterThan(0);
  expect(mass).toBeLessThanOrEqual(share + 0.01);

  // The table says the same as the sentence.
  await page.getByText('Shares as a table').press('Enter');
  const row = page.getByRole('row', { name: /^Look back/ });
  await expect(row.getByRole('cell').first()).toHaveText(`${from + 1}–${to + 1}`);
  const percent = /on average ([\d.]+ %)/.exec((await look.sentence.textContent()) ?? '')?.[1];
  await expect(row.getByRole('cell').nth(1)).toHaveText(`${percent}`);
  await expect(page.getByRole('row')).toHaveCount(2 + (await page.locator('.card').count()) + tokens);

  // Arrows: a step, then a range; segments; and back to live.
  await look.leaveFields();
  await page.keyboard.press('ArrowLeft');
  const step = Number(await look.sentence.getAttribute('data-from'));
  expect(await look.ranges()).toEqual(new Array(3).fill(`${step}-${step}`));
  await page.keyboard.press('Shift+ArrowRight');
  await page.keyboard.press('Shift+ArrowRight');
  expect(await look.ranges()).toEqual(new Array(3).fill(`${step}-${step + 2}`));
  await page.keyboard.press('[');
  await expect(look.sentence).not.toHaveAttribute('data-kind', '');
  await page.keyboard.press('Escape');
  expect(await look.ranges()).toEqual([live, live, live]);

  // Letters are text while a field has the focus. The pointer rests where nothing can move below it.
  await page.mouse.move(0, 0);
  await look.question.focus();
  await page.keyboard.press('End');
  await page.keyboard.press('b');
  expect(await look.question.inputValue()).toMatch(/b$/);
  expect(await look.ranges()).toEqual([live, live, live]);
});

test('the pointer previews, pins and drags a range, in the chart and in the text', async () => {
  const look = shared();
  const { page } = look;
  await look.question.fill('');
  await look.chooseExample(2);
  await look.askAndWait();
  await page.getByRole('button', { name: 'Back to live' }).click();
  const [live] = await look.ranges();

  const token = page.locator('.token[data-step="6"]').first();
  await token.hover();
  await expect(look.chart).toHaveAttribute('data-from', '6');
  await page.mouse.move(0, 0);
  await expect(look.chart).toHaveAttribute('data-from', `${live}`.split('-')[0] ?? '');
  await token.click();
  await page.mouse.move(0, 0);
  expect(await look.ranges()).toEqual(['6-6', '6-6', '6-6']);

  await look.chart.scrollIntoViewIfNeeded();
  const plot = await page.locator('.u-over').boundingBox();
  if (plot === null) throw new Error('no plot');
  const at = (fraction: number) => [plot.x + plot.width * fraction, plot.y + plot.height / 2] as const;
  await page.mouse.move(...at(0.25));
  await page.mouse.down();
  await page.mouse.move(...at(0.4));
  await page.mouse.move(...at(0.5));
  await page.mouse.up();
  await page.mouse.move(0, 0);
  const [range = ''] = await look.ranges();
  const [from = 0, to = 0] = range.split('-').map(Number);
  expect(to).toBeGreaterThan(from);
  expect(await look.ranges()).toEqual([range, range, range]);

  await page.getByRole('button', { name: 'Select the steps of Look back' }).click();
  await page.mouse.move(0, 0);
  await expect(look.sentence).toHaveAttribute('data-kind', 'back');
  await page.getByRole('button', { name: 'Back to live' }).click();
  expect(await look.ranges()).toEqual([live, live, live]);
});
