// The GPU process dies in mid-answer: the page says so, keeps the text, recovers by itself and answers again.
import { expect, type Page, test } from '@playwright/test';
import { LookPage } from './look_page';

test('a crash of the GPU process in mid-answer is recovered', async ({ page, browser }) => {
  const look = new LookPage(page);
  const devtools = await browser.newBrowserCDPSession();
  await look.ready();
  await look.chooseExample(0);
  // A hot answer runs to the longest length; the page itself reports its first token.
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
  await occupyAdapter(page);
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

/** Keeps the adapter busy until it crashes, so that an answer takes seconds: by itself it ends before a crash arrives. */
function occupyAdapter(page: Page): Promise<void> {
  return page.evaluate(async () => {
    const adapter = await navigator.gpu.requestAdapter();
    const device = await adapter?.requestDevice();
    if (!device) throw new Error('There is no adapter to occupy.');
    const code = `@group(0) @binding(0) var<storage, read_write> x: array<u32>;
      @compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3u) {
        for (var i = 0u; i < 60000u; i++) { x[id.x] = x[id.x] * 1664525u + 1013904223u; }
      }`;
    const module = device.createShaderModule({ code });
    const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module } });
    const buffer = device.createBuffer({ size: 256, usage: GPUBufferUsage.STORAGE });
    const layout = pipeline.getBindGroupLayout(0);
    const group = device.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer } }] });
    const occupy = (): void => {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(16);
      pass.end();
      device.queue.submit([encoder.finish()]);
      void device.queue.onSubmittedWorkDone().then(occupy, () => undefined);
    };
    occupy();
  });
}
