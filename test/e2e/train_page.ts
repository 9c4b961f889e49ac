// Holds what the journeys about training share: a set to import, the plan's settings, the run's states, and
// downloads. Everything is read from what people can see or hear, and a wait is for a state that the page shows. The
// page runs in a context of its own, as axe and storage want it.

import { readFile } from 'node:fs/promises';
import { AxeBuilder } from '@axe-core/playwright';
import { type Browser, expect, type Locator, type Page } from '@playwright/test';
import { encode } from 'fast-png';
import type { ImportFile } from '../../src/data/dataset/dataset_files';
import { drawSample } from '../../src/data/world/world_sample';
import { jsonLines, sampleFile, zipOf } from '../data/dataset/dataset_samples';
import { LookPage } from './look_page';

/** The state of a run takes long where a model is compiled or trained by a software adapter. */
const RUN_TIMEOUT = 120_000;

/**
 * A set of `rows` questions of the built-in world that answer by looking back, and where `bad`, two rows in lines 2 and 4
 * that cannot be used: a picture that is missing, and no answer.
 */
export async function worldSet(rows: number, bad = false): Promise<Buffer> {
  const table: Record<string, string>[] = [];
  const files: ImportFile[] = [];
  for (let index = 0; index < rows; index++) {
    const sample = drawSample({ split: 'train', seed: 5, index });
    const image = `images/${index}.png`;
    const { text, answer, oracle } = sample;
    table.push({ image, question: text, answer, response: oracle.lookBack.solution });
    files.push(sampleFile(image, encode({ width: 64, height: 64, channels: 3, data: sample.image() })));
  }
  if (bad) {
    table.splice(1, 0, { ...table[0], image: 'images/missing.png' });
    table.splice(3, 0, { image: 'images/0.png', question: 'What is missing?' });
  }
  const { blob } = await zipOf([sampleFile('train.jsonl', jsonLines(table)), ...files]);
  return Buffer.from(await blob.arrayBuffer());
}

/** The pages about training as the journeys use them. */
export class TrainPage extends LookPage {
  readonly runState: Locator;
  readonly runStep: Locator;
  readonly rows: Locator;

  constructor(page: Page) {
    super(page);
    this.runState = page.getByTestId('run-state');
    this.runStep = page.getByTestId('run-step');
    this.rows = page.getByTestId('run-row');
  }

  async go(name: 'look' | 'train' | 'data' | 'library'): Promise<void> {
    await this.page.getByTestId(`nav-${name}`).click();
    await expect(this.page.getByTestId(`nav-${name}`)).toHaveAttribute('aria-current', 'page');
  }

  /** Chooses a zip as a dataset; its preview is then shown. */
  async previewSet(zip: Buffer): Promise<void> {
    const file = { name: 'set.zip', mimeType: 'application/zip', buffer: zip };
    await this.page.getByTestId('data-import').setInputFiles(file);
    await expect(this.page.getByTestId('data-preview')).toBeVisible();
  }

  /** Keeps the previewed rows. */
  async keepSet(name: string): Promise<void> {
    await this.page.getByTestId('data-name').fill(name);
    await this.page.getByTestId('data-keep').click();
    await expect(this.page.getByTestId('dataset-row').filter({ hasText: name })).toBeVisible();
  }

  /** Fills the plan: a preset, a set by name, then settings by their path. */
  async plan(preset: string, set: string, fields: Readonly<Record<string, string>>): Promise<void> {
    const { page } = this;
    await page.getByTestId('preset').selectOption(preset);
    const option = page.getByTestId('source').locator('option', { hasText: set });
    await page.getByTestId('source').selectOption(await option.getAttribute('value'));
    await page.locator('.plan-advanced').evaluate((details: HTMLDetailsElement) => {
      details.open = true;
    });
    for (const [id, value] of Object.entries(fields)) {
      const control = page.locator(`[data-field="${id}"]`);
      if ((await control.evaluate(({ tagName }) => tagName)) === 'SELECT') await control.selectOption(value);
      else await control.fill(value);
      // As by a person who goes on to the next: a setting is taken over when its field is left.
      await control.blur();
    }
  }

  /** Starts the plan and waits until its run is the one that is shown: until then an earlier one still is. */
  async start(): Promise<void> {
    const before = await this.rows.count();
    await this.page.getByTestId('start').click();
    await expect(this.rows).toHaveCount(before + 1, { timeout: RUN_TIMEOUT });
    await expect(this.rows.first()).toHaveAttribute('aria-current', 'true');
  }

  async state(state: string): Promise<void> {
    await expect(this.runState).toHaveAttribute('data-state', state, { timeout: RUN_TIMEOUT });
  }

  /** Waits until the shown run has done at least `least` steps. */
  async stepped(least: number): Promise<void> {
    // Often, as a step may take less than a tenth of a second on a graphics card.
    const often = { timeout: RUN_TIMEOUT, intervals: [50] };
    await expect.poll(() => this.step(), often).toBeGreaterThanOrEqual(least);
  }

  /** Steps that the shown run has done, as the page says. */
  async step(): Promise<number> {
    return Number.parseInt((await this.runStep.textContent()) ?? '', 10);
  }

  /** Moves the focus by the tab key until it is on what a selector finds; past the page's end it begins anew. */
  async tabTo(selector: string): Promise<void> {
    const there = () => this.page.evaluate((css) => document.activeElement?.matches(css), selector);
    for (let press = 0; press < 160 && !(await there()); press++) await this.page.keyboard.press('Tab');
    await expect(this.page.locator(selector)).toBeFocused();
  }

  /** Presses a control by keyboard alone. */
  async pressKeys(testid: string): Promise<void> {
    await this.tabTo(`[data-testid="${testid}"]`);
    await this.page.keyboard.press('Enter');
  }

  /** Chooses the option that holds these words, by keyboard alone. */
  async chooseByKeys(selector: string, words: string): Promise<void> {
    await this.tabTo(selector);
    const select = this.page.locator(selector);
    const wanted = await select.locator('option', { hasText: words }).first().getAttribute('value');
    await this.page.keyboard.press('Home');
    for (let press = 0; press < 40 && (await select.inputValue()) !== wanted; press++)
      await this.page.keyboard.press('ArrowDown');
    await expect(select).toHaveValue(wanted ?? '');
  }

  /** Fills the plan as {@link plan} does, by keyboard alone. */
  async planByKeys(preset: string, set: string, fields: Readonly<Record<string, string>>): Promise<void> {
    const { keyboard } = this.page;
    await this.chooseByKeys('[data-testid="preset"]', preset);
    await this.chooseByKeys('[data-testid="source"]', set);
    await this.tabTo('.plan-advanced > summary');
    await keyboard.press('Enter');
    for (const [id, value] of Object.entries(fields)) {
      await this.tabTo(`[data-field="${id}"]`);
      await keyboard.press('Control+a');
      await keyboard.type(value);
    }
    await keyboard.press('Tab');
  }

  /** Saves the shown run's adapter as {@link saveAdapter} does, by keyboard alone. */
  async saveAdapterByKeys(name: string): Promise<void> {
    const { keyboard } = this.page;
    await this.pressKeys('save-adapter');
    await this.tabTo('[data-testid="adapter-name"]');
    await keyboard.press('Control+a');
    await keyboard.type(name);
    await this.pressKeys('adapter-save');
    await expect(this.page.getByTestId('train-status')).toHaveText(`Adapter saved as ${name}.`);
  }

  /** What a button offers to save. */
  async downloaded(button: Locator): Promise<{ readonly name: string; readonly bytes: Buffer }> {
    const [download] = await Promise.all([this.page.waitForEvent('download'), button.click()]);
    return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
  }

  /** Steps of the newest run's metrics, as exported. */
  async exportedSteps(): Promise<number[]> {
    const { bytes } = await this.downloaded(this.rows.first().getByTestId('export-jsonl'));
    const lines = bytes.toString('utf8').trim().split('\n');
    return lines.map((line) => (JSON.parse(line) as { step: number }).step);
  }

  /** Saves the shown run's last checkpoint as an adapter. */
  async saveAdapter(name: string): Promise<void> {
    await this.page.getByTestId('save-adapter').click();
    await this.page.getByTestId('adapter-name').fill(name);
    await this.page.getByTestId('adapter-save').click();
    await expect(this.page.getByTestId('train-status')).toHaveText(`Adapter saved as ${name}.`);
  }

  /** What axe finds wrong, in light and in dark. */
  async violations(): Promise<string[]> {
    const found: string[] = [];
    for (const colorScheme of ['light', 'dark'] as const) {
      await this.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      const { violations } = await new AxeBuilder({ page: this.page }).analyze();
      for (const { id, nodes } of violations) {
        found.push(...nodes.map(({ target }) => `${colorScheme}: ${id} at ${target.join(' ')}`));
      }
    }
    return found;
  }
}

/** A page in a context of its own. */
export async function newTrainPage(browser: Browser): Promise<TrainPage> {
  const context = await browser.newContext({ acceptDownloads: true });
  return new TrainPage(await context.newPage());
}
