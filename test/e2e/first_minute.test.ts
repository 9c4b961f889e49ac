// The first minute: a recorded look back plays at once, with or without WebGPU, and ends on the look; answers can be kept
// as files and played elsewhere.
import { readFileSync } from 'node:fs';
import { AxeBuilder } from '@axe-core/playwright';
import { expect, test } from '@playwright/test';
import { BROWSER_ARGS, findBrowser } from '../../tools/browser.mjs';
import { LookPage } from './look_page';

/** What may move by itself: parts of the screen times parts of its longer side. */
const MOST_SHIFT = 0.02;

// A first visit: the other journeys switch the recording off.
test.use({ storageState: { cookies: [], origins: [] }, contextOptions: { reducedMotion: 'no-preference' } });

test('the recording plays without WebGPU and ends on the look back @no-webgpu', async ({ browser, page }) => {
  const look = new LookPage(page);
  await page.setViewportSize({ width: 1366, height: 768 });
  await look.watchShifts();
  await look.open();
  const bar = page.getByTestId('replay-bar');
  await expect(look.answer).toContainText('Recorded');

  // Picture, answer, headline and player are in view at once, beside the line that says why nothing can be asked.
  await expect(page.locator('.notice')).toBeVisible({ timeout: 30_000 });
  for (const part of [look.heatmap, look.answer.locator('.stream'), page.getByTestId('headline'), bar]) {
    await expect(part).toBeInViewport({ ratio: 1 });
  }
  expect(await look.shifts()).toBeLessThanOrEqual(MOST_SHIFT);

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
  const guide = page.getByTestId('guide');
  await expect(guide).toHaveAttribute('data-next', 'pick');
  await guide.getByText('Guide: 1 of 4').click();
  await expect(guide.getByRole('listitem').first()).toContainText('done');
  await guide.getByText('Guide: 1 of 4').click();
  // All views rest on the look back.
  const bands = await look.chart.getAttribute('data-bands');
  expect(bands).toMatch(/^\d+-\d+$/);
  expect(await look.ranges()).toEqual([bands, bands, bands]);
  await expect(look.sentence).toContainText('on the image');
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);

  // A region of the picture, by keyboard and by pointer: the tokens that attended there are numbered.
  const picker = page.getByTestId('region-picker');
  const numbered = page.locator('.token[data-number]');
  await picker.focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await expect(page.getByTestId('region')).toContainText('Cell a2: most attended by');
  await expect(numbered).toHaveCount(10);
  await expect(look.status).toContainText('Cell a2: most attended by');
  await page.keyboard.press('Escape');
  await expect(numbered).toHaveCount(0);
  expect(await look.ranges()).toEqual([bands, bands, bands]);
  await picker.click();
  await expect(page.getByTestId('region')).toContainText(/Cell [a-d][1-4]: most/);
  await page.getByRole('button', { name: 'Clear the region' }).click();
  await expect(page.getByTestId('region')).toHaveCount(0);
  await page.getByTestId('dim-sinks').check();
  await expect(page.getByTestId('sinks')).toContainText('hot on every step');
  await page.getByTestId('dim-sinks').uncheck();

  // A link carries all of it to a page that has neither WebGPU nor a model.
  await page.getByTestId('share').click();
  const link = await page.getByTestId('share-link').inputValue();
  expect(new URL(link).hash.length).toBeLessThanOrEqual(8192);
  await page.getByRole('button', { name: 'Close' }).click();
  await expect(page.getByTestId('share')).toBeFocused();
  // Where the dialog was, the pointer would rest on a step and preview it.
  await page.mouse.move(0, 0);
  const other = new LookPage(await browser.newPage({ reducedMotion: 'reduce' }));
  await other.page.goto(link);
  await other.settled();
  expect(await other.text()).toBe(await look.text());
  await expect(other.page.getByTestId('verdict')).toHaveText(/^Right/);
  await expect(other.page.getByTestId('headline')).toHaveText(
    (await page.getByTestId('headline').textContent()) ?? '',
  );
  expect(await other.ranges()).toEqual([bands, bands, bands]);
  await expect(other.sentence).toHaveText((await look.sentence.textContent()) ?? '');
  // Maps of links are kept to 1/255 of their largest value: 16 cells of a mean over many steps.
  const sum = async (page: LookPage) => {
    await page.drawn();
    return Number(await page.heatmap.getAttribute('data-sum'));
  };
  expect(Math.abs((await sum(other)) - (await sum(look)))).toBeLessThan(16 / 255 / 2);
  await other.page.goto(link.slice(0, -200));
  await expect(other.page.locator('.picture-panel .notice')).toContainText('it is damaged');
  await other.page.close();

  await page.locator('.card-think .token').first().click();
  await expect(guide).toHaveAttribute('data-next', 'ask');
  // Once switched off, neither comes again.
  await guide.getByText('Guide: 2 of 4').click();
  await guide.getByRole('button', { name: 'Put the guide away' }).click();
  await bar.getByLabel('About this recording').click();
  await bar.getByRole('checkbox', { name: 'Play this when the page opens' }).uncheck();
  await page.reload();
  await expect(page.locator('.notice')).toBeVisible({ timeout: 30_000 });
  await expect(bar).toHaveCount(0);
  await expect(guide).toHaveCount(0);
});

/** What a comparison says: its sentence and figures, then text, verdict and first segment of each side, and the maps' sums. */
async function comparison(look: LookPage): Promise<{ words: unknown; sums: number[] }> {
  const { page } = look;
  const sides: unknown[] = [];
  const sums: number[] = [];
  for (const side of ['base', 'adapter'] as const) {
    const panel = page.getByTestId(`compare-${side}`);
    await panel.getByRole('button', { name: /^Show on the picture/ }).click();
    await panel.locator('.card-head').first().click();
    await expect(page.getByTestId('compare-chart')).toHaveAttribute('data-side', side);
    await look.drawn();
    sides.push([
      await panel.locator('.card-text').allTextContents(),
      await panel.locator('.outcome').textContent(),
      await page.getByTestId('compare-steps').textContent(),
    ]);
    sums.push(Number(await page.getByTestId('heatmap').getAttribute('data-sum')));
  }
  const figures = await page.locator('.compare-figures').textContent();
  return { words: [await page.getByTestId('compare-sentence').textContent(), figures, sides], sums };
}

test('a live answer is played again, saved, and opened on a page without a model', async ({
  baseURL,
  page,
  playwright,
}) => {
  test.setTimeout(240_000);
  const look = new LookPage(page);
  await look.watchShifts();
  await look.ready();
  expect(await look.shifts()).toBeLessThanOrEqual(MOST_SHIFT);
  // The recording is asked again, live, about its own picture.
  await look.chooseExample(0);
  await expect(page.getByTestId('earlier')).toBeVisible();
  await look.askAndWait();
  expect(await look.shifts()).toBeLessThanOrEqual(MOST_SHIFT);
  await expect(page.getByTestId('headline')).toContainText(/looked back/i);
  await expect(page.getByTestId('replay-bar')).toHaveCount(0);
  // It ends on its look, whose steps are shown one after another until somebody picks others.
  const [from = 0, to = 0] = ((await look.chart.getAttribute('data-bands')) ?? '').split('-').map(Number);
  await expect(look.sentence).toHaveAttribute('data-kind', 'back');
  const visited = Number(await look.sentence.getAttribute('data-from'));
  expect(visited).toBeGreaterThanOrEqual(from);
  expect(visited).toBeLessThan(to);
  await expect(look.sentence).not.toHaveAttribute('data-from', `${visited}`);
  await page.getByRole('button', { name: 'Back to live' }).click();
  const [live = ''] = await look.ranges();
  expect(await look.ranges()).toEqual([live, live, live]);
  expect(Number.parseInt(live, 10)).toBeGreaterThan(to);
  const text = await look.text();
  const verdict = await page.getByTestId('verdict').textContent();

  const saving = page.waitForEvent('download');
  await page.getByTestId('save-trace').click();
  const saved = await saving;
  expect(saved.suggestedFilename()).toMatch(/\.trace\.json$/);
  const file = readFileSync(await saved.path());

  await page.getByTestId('replay').click();
  await expect(look.answer).toHaveAttribute('data-status', 'replaying');
  await expect(look.answer).toContainText('Played again');
  await page.getByRole('combobox', { name: 'Tokens per second' }).selectOption('60');
  await look.settled();
  await expect.poll(() => look.text()).toBe(text);

  // Earlier questions come back.
  const history = page.getByTestId('history');
  await look.question.fill('How many yellow squares?');
  await look.askAndWait();
  await history.getByText('Asked before: 2').press('Enter');
  await history.getByRole('listitem').last().getByRole('button').press('Enter');
  await expect.poll(() => look.text()).toBe(text);
  await expect(page.getByTestId('earlier')).toHaveCount(0);
  await history.getByText('Asked before: 2').press('Enter');

  // Nor does anything move by itself while base and adapter answer.
  await page.getByTestId('compare-toggle').click();
  await expect(page.getByTestId('compare-base')).toBeVisible();
  await look.shifts();
  await look.ask();
  await expect(page.getByTestId('compare-adapter')).toHaveAttribute('data-status', 'finished', {
    timeout: 60_000,
  });
  expect(await look.shifts()).toBeLessThanOrEqual(MOST_SHIFT);

  // The chart of both is as live as that of one; kept as a file, it opens where there is neither WebGPU nor a model.
  const chart = page.getByTestId('compare-chart');
  const adapter = page.getByTestId('compare-adapter');
  await chart.locator('.u-over').click({ position: { x: 120, y: 60 } });
  await expect
    .poll(async () => {
      const step = await chart.getAttribute('data-from');
      const marked = await adapter.locator('.token.marked').first().getAttribute('data-step');
      return step !== '' && step === marked && step === (await chart.getAttribute('data-to'));
    })
    .toBe(true);
  const savingBoth = page.waitForEvent('download');
  await page.getByTestId('save-trace').click();
  const both = readFileSync(await (await savingBoth).path());
  const seen = await comparison(look);

  const bare = await playwright.chromium.launch({
    executablePath: findBrowser(),
    args: BROWSER_ARGS.filter((flag) => flag !== '--enable-unsafe-webgpu'),
  });
  const other = new LookPage(
    await bare.newPage({ baseURL: baseURL ?? '', reducedMotion: 'reduce', serviceWorkers: 'block' }),
  );
  await other.open();
  await expect(other.page.getByTestId('replay-bar')).toBeVisible();
  await other.drop('both.trace.json', 'application/json', both);
  await expect(other.page.getByTestId('compare-adapter')).toHaveAttribute('data-status', 'finished');
  const opened = await comparison(other);
  expect(opened.words).toEqual(seen.words);
  // Maps of files are kept to 1/65535 of their largest value.
  opened.sums.forEach((sum, side) => {
    expect(Math.abs(sum - (seen.sums[side] ?? 0))).toBeLessThan(1e-3);
  });
  await other.drop('kept.trace.json', 'application/json', file);
  await other.page.getByRole('combobox', { name: 'Tokens per second' }).selectOption('60');
  await other.settled();
  await expect.poll(() => other.text()).toBe(text);
  await expect(other.page.getByTestId('verdict')).toHaveText(verdict ?? '');
  await other.drop('broken.trace.json', 'application/json', file.subarray(0, 400));
  await expect(other.page.locator('.picture-panel .notice')).toContainText('broken.trace.json is not JSON');
  await expect.poll(() => other.text()).toBe(text);
  await bare.close();
});
