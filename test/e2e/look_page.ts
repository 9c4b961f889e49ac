// What the journeys share: opening the page, asking, reading what it says through its text twins, and small pictures.
// Everything is read from what people can see or hear: roles, labels, data attributes; never from window.
import { expect, type Locator, type Page, type Request, test } from '@playwright/test';

/** The Look page as the journeys use it. */
export class LookPage {
  readonly answer: Locator;
  readonly question: Locator;
  readonly sentence: Locator;
  readonly chart: Locator;
  readonly heatmap: Locator;
  readonly status: Locator;
  readonly requests: Request[] = [];
  /** Errors of the page and of its console, violations of its content security policy among them. */
  readonly problems: string[] = [];

  constructor(readonly page: Page) {
    this.answer = page.getByTestId('answer');
    this.question = page.getByRole('textbox', { name: 'Your question' });
    this.sentence = page.getByTestId('sentence');
    this.chart = page.getByTestId('chart');
    this.heatmap = page.getByTestId('heatmap');
    this.status = page.getByTestId('status');
    page.on('request', (request) => this.requests.push(request));
    page.on('pageerror', (error) => this.problems.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') this.problems.push(message.text());
    });
  }

  /** Counts from the next page load on how much moves on the screen without having been touched. */
  async watchShifts(): Promise<void> {
    await this.page.addInitScript(() => {
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries() as (PerformanceEntry & Shift)[]) {
          const { dataset } = document.documentElement;
          if (!entry.hadRecentInput) dataset.shift = `${Number(dataset.shift ?? 0) + entry.value}`;
        }
      }).observe({ type: 'layout-shift', buffered: true });
      type Shift = { value: number; hadRecentInput: boolean };
    });
  }

  /** The cumulative layout shift since it was last asked for: parts of the screen times parts of its longer side. */
  shifts(): Promise<number> {
    return this.page.evaluate(() => {
      const { dataset } = document.documentElement;
      const sum = Number(dataset.shift ?? 0);
      dataset.shift = '0';
      return sum;
    });
  }

  async open(): Promise<void> {
    await this.page.goto('./');
  }

  /** Opens the page and waits until the default model is loaded: compiling takes the most of it. */
  async ready(): Promise<void> {
    // The line that says so may go on to what a recording says before a journey has read it.
    await this.page.addInitScript(() => {
      new MutationObserver(() => {
        const said = document.querySelector('[data-testid=status]')?.textContent ?? '';
        if (/is ready\./.test(said)) document.documentElement.dataset.saidReady = 'yes';
      }).observe(document, { subtree: true, childList: true, characterData: true });
    });
    await this.open();
    await this.saidReady();
  }

  /** Waits until the page says that its model is ready, also after a reload of a page that was ready before. */
  async saidReady(): Promise<void> {
    await expect(this.page.locator('html')).toHaveAttribute('data-said-ready', 'yes', { timeout: 60_000 });
  }

  async chooseExample(index: number): Promise<void> {
    const example = this.page.getByRole('group', { name: 'Examples' }).getByRole('button').nth(index);
    await example.press('Enter');
    await expect(example).toHaveAttribute('aria-pressed', 'true');
    await expect(this.page.getByRole('button', { name: 'Ask', exact: true })).toBeEnabled();
  }

  async upload(name: string, mimeType: string, bytes: Uint8Array): Promise<void> {
    const input = this.page.getByTestId('choose-picture');
    await input.setInputFiles({ name, mimeType, buffer: Buffer.from(bytes) });
  }

  /** Drops a file on the page, as from a folder. */
  async drop(name: string, type: string, bytes: Uint8Array): Promise<void> {
    const file = { name, type, base64: Buffer.from(bytes).toString('base64') };
    const items = await this.page.evaluateHandle(({ name, type, base64 }) => {
      const transfer = new DataTransfer();
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      transfer.items.add(new File([bytes], name, { type }));
      return transfer;
    }, file);
    await this.page.dispatchEvent('body', 'drop', { dataTransfer: items });
  }

  /** By keyboard, as all of the journeys that choose and ask. */
  async ask(): Promise<void> {
    await this.page.getByRole('button', { name: 'Ask', exact: true }).press('Enter');
  }

  async settled(status: 'finished' | 'interrupted' | 'failed' = 'finished'): Promise<void> {
    await expect(this.answer).toHaveAttribute('data-status', status, { timeout: 60_000 });
    // The status is set at once, the last tokens are written in the next frame.
    await this.drawn();
  }

  /** Waits until what was changed is drawn: words change at once, canvases and their figures in the next frame. */
  async drawn(): Promise<void> {
    await this.page.evaluate(
      () => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))),
    );
  }

  /** Asks and waits for the end. */
  async askAndWait(): Promise<void> {
    await this.ask();
    await expect(this.answer).not.toHaveAttribute('data-status', 'waiting', { timeout: 30_000 });
    await this.settled();
  }

  /** The generated text as the cards show it. */
  async text(): Promise<string> {
    return (await this.page.locator('.card-text').allTextContents()).join('|');
  }

  /** Number of generated tokens, from the figures. */
  async tokens(): Promise<number> {
    return Number.parseInt((await this.page.locator('[data-figure=tokens] dd').textContent()) ?? '', 10);
  }

  /** First and last shown step as each of the three views says it, when what was chosen last is drawn. */
  async ranges(): Promise<string[]> {
    await this.drawn();
    return Promise.all(
      [this.sentence, this.chart, this.heatmap].map(async (view) => {
        return `${await view.getAttribute('data-from')}-${await view.getAttribute('data-to')}`;
      }),
    );
  }

  /** Moves the focus out of every field, so that keys act on the selection. */
  async leaveFields(): Promise<void> {
    await this.page.getByRole('region', { name: 'Text of the answer' }).focus();
  }
}

/**
 * One page for all tests of a file, loaded once: compiling for a software adapter is most of a journey's time.
 * The tests then run in order, and each begins where the one before it ended.
 */
export function sharedLookPage(): () => LookPage {
  let look: LookPage | null = null;
  test.describe.configure({ mode: 'serial' });
  test.beforeAll(async ({ browser }) => {
    look = new LookPage(await browser.newPage());
    await look.ready();
  });
  test.afterAll(() => look?.page.close());
  return () => {
    if (look === null) throw new Error('the page is not open yet');
    return look;
  };
}

/** CRC-32 as PNG wants it. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let k = 0; k < 8; k++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** A valid PNG header that claims `width` × `height`, without any pixels behind it. */
export function pngHeaderOnly(width: number, height: number): Uint8Array {
  const bytes = new Uint8Array(8 + 25 + 12);
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const view = new DataView(bytes.buffer);
  view.setUint32(8, 13);
  bytes.set(Buffer.from('IHDR'), 12);
  view.setUint32(16, width);
  view.setUint32(20, height);
  bytes.set([8, 2, 0, 0, 0], 24);
  view.setUint32(29, crc32(bytes.subarray(12, 29)));
  bytes.set(Buffer.from('IEND'), 37);
  view.setUint32(41, crc32(bytes.subarray(37, 41)));
  return bytes;
}

/** An animated GIF of 1 × 1 pixel: one red and one blue frame. */
export function animatedGif(): Uint8Array {
  // A one-pixel image of colour `index`: clear code, the colour, end code, in 3-bit codes.
  const frame = (index: number) => [
    ...[0x21, 0xf9, 4, 0, 10, 0, 0, 0],
    ...[0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0],
    ...[2, 2, 0x44 | (index << 3), 0x01, 0],
  ];
  return Uint8Array.from([
    ...Buffer.from('GIF89a'),
    ...[1, 0, 1, 0, 0x80, 0, 0],
    ...[220, 50, 47, 40, 90, 210],
    ...[...frame(0), ...frame(1)],
    0x3b,
  ]);
}

/** A baseline JPEG of 8 × 8 pixels in CMYK (Adobe marker, no transform), one flat colour: four DC coefficients. */
export function cmykJpeg(): Uint8Array {
  const segment = (marker: number, ...body: number[]) => [
    0xff,
    marker,
    (body.length + 2) >> 8,
    (body.length + 2) & 255,
    ...body,
  ];
  const quantization = new Array<number>(64).fill(1);
  // One-bit codes would be all ones; DC: category 0 is 00, category 6 is 01. AC: end of block is 00.
  const dc = [0, 2, ...new Array<number>(14).fill(0), 0, 6];
  const ac = [0, 1, ...new Array<number>(14).fill(0), 0];
  const components = [1, 2, 3, 4];
  // Each block: category 6 (01), six bits 100000 (a difference of 32), end of block (00): 10 bits, 40 in all.
  const bits = components.map(() => '01' + '100000' + '00').join('');
  const scan = (bits.match(/.{8}/g) ?? []).map((octet) => Number.parseInt(octet, 2));
  return Uint8Array.from([
    ...[0xff, 0xd8],
    ...segment(0xee, ...Buffer.from('Adobe'), 0, 100, 0, 0, 0, 0, 0),
    ...segment(0xdb, 0, ...quantization),
    ...segment(0xc0, 8, 0, 8, 0, 8, 4, ...components.flatMap((id) => [id, 0x11, 0])),
    ...segment(0xc4, 0x00, ...dc),
    ...segment(0xc4, 0x10, ...ac),
    ...segment(0xda, 4, ...components.flatMap((id) => [id, 0]), 0, 63, 0),
    ...scan,
    ...[0xff, 0xd9],
  ]);
}
