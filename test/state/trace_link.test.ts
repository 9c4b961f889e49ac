// Links that carry a trace: an answer comes back within the stated steps, pocket's fit, and hostile links are refused.

import { readFileSync } from 'node:fs';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { encode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { DataError } from '../../src/lib/errors';
import { readTrace, type Trace } from '../../src/state/trace';
import { LINK_CHARACTERS, traceFileOfLink, writeTraceLink } from '../../src/state/trace_link';

const FIRST = new Blob([readFileSync('public/traces/first.trace.json')]);

/** Pocket's picture in the size that it receives: shapes on paper, with a little noise, as the worst case that is drawn. */
function sheet(): Blob {
  const side = 64;
  const data = new Uint8Array(side * side * 3);
  for (let i = 0; i < data.length; i++) {
    const [x, y] = [Math.floor(i / 3) % side, Math.floor(i / 3 / side)];
    const inside = (x % 16) ** 2 + (y % 16) ** 2 < 90;
    data[i] = inside ? 200 - 60 * (i % 3) : 236 + ((x * 7 + y * 3) % 2);
  }
  return new Blob([new Uint8Array(encode({ width: side, height: side, data, channels: 3 }))], {
    type: 'image/png',
  });
}

async function first(): Promise<Trace> {
  const { answer } = await readTrace(FIRST, 'first.trace.json');
  return { answer, pictures: [{ name: 'A sheet', blob: sheet() }] };
}

async function open(link: string): Promise<Trace> {
  return readTrace(await traceFileOfLink(link), 'The link');
}

const linkOf = (text: string): string => `1.${deflateRawSync(text).toString('base64url')}`;

/** The link of the first trace with some of its fields changed. */
async function changed(change: (file: Record<string, object>) => unknown): Promise<string> {
  const packed = (await writeTraceLink(await first())).slice(2);
  const file = JSON.parse(inflateRawSync(Buffer.from(packed, 'base64url')).toString());
  change(file);
  return linkOf(JSON.stringify(file));
}

describe('a link of an answer', () => {
  it('brings back text, verdict and picture; shares and maps within half a step', async () => {
    const trace = await first();
    const link = await writeTraceLink(trace);
    expect(link).toMatch(/^1\.[\w-]+$/);
    // What one of pocket's answers with many counted cells takes.
    expect(link.length).toBeLessThanOrEqual(LINK_CHARACTERS);
    const { answer, pictures } = await open(link);
    expect(answer.text).toBe(trace.answer.text);
    expect(answer.segments).toEqual(trace.answer.segments);
    expect(answer.result?.answer).toBe(trace.answer.result?.answer);
    expect(answer.result?.verdict?.equal).toBe(true);
    expect([answer.modelLabel, answer.adapterLabel]).toEqual([
      trace.answer.modelLabel,
      trace.answer.adapterLabel,
    ]);
    expect(answer.prompt).toEqual(trace.answer.prompt);
    expect(await pictures[0]?.blob.text()).toBe(await trace.pictures[0]?.blob.text());
    answer.steps.forEach((step, i) => {
      const before = trace.answer.steps[i];
      expect(step.id).toBe(before?.id);
      // Hundredths of a second.
      expect(Math.abs(step.atMs - (before?.atMs ?? Number.NaN))).toBeLessThanOrEqual(5);
      for (const key of ['image', 'query', 'generated'] as const) {
        // Half of a thousandth.
        const off = Math.abs((step.shares?.[key] ?? -1) - (before?.shares?.[key] ?? -1));
        expect(off).toBeLessThanOrEqual(0.0005 + 1e-9);
      }
      // Half of 1/255 of the largest value, which is rounded up to 1/10,000.
      const step255 = (Math.max(...(before?.map ?? [])) + 1e-4) / 255;
      step.map?.forEach((value, cell) => {
        expect(Math.abs(value - (before?.map?.[cell] ?? Number.NaN))).toBeLessThanOrEqual(step255 / 2 + 1e-7);
      });
    });
  });

  it('keeps tokens without recorded attention apart from those with none', async () => {
    const { answer, pictures } = await first();
    const steps = answer.steps.map((step, i) =>
      i % 3 === 0
        ? { ...step, shares: null, map: null }
        : i % 3 === 1
          ? { ...step, map: new Float32Array(16) }
          : step,
    );
    const back = (await open(await writeTraceLink({ answer: { ...answer, steps }, pictures }))).answer;
    back.steps.forEach((step, i) => {
      expect([step.shares === null, step.map === null]).toEqual([i % 3 === 0, i % 3 === 0]);
      if (i % 3 === 1) expect(step.map?.every((value) => value === 0)).toBe(true);
    });
  });
});

describe('a hostile link', () => {
  const refused = async (link: string, why: RegExp): Promise<void> => {
    const thrown = await open(link).then(
      () => null,
      (error: unknown) => error,
    );
    expect(thrown).toBeInstanceOf(DataError);
    expect(thrown).toMatchObject({ code: 'data/trace', message: expect.stringMatching(why) });
  };

  it('is refused for its length, version, characters, and what it unpacks to', async () => {
    await refused(`1.${'A'.repeat(LINK_CHARACTERS)}`, /more than 8192 characters/);
    await refused('2.AAAA', /another version/);
    await refused('1.AA AA', /character/);
    await refused('1.AAAAA', /damaged/);
    const link = await writeTraceLink(await first());
    await refused(link.slice(0, link.length / 2), /damaged/);
    const bomb = linkOf(' '.repeat(5_000_000));
    expect(bomb.length).toBeLessThan(LINK_CHARACTERS);
    await refused(bomb, /unpacks to more than 256 KiB/);
    await refused(linkOf('{'), /damaged/);
    await refused(linkOf('[]'), /must be a JSON object/);
  });

  it('is refused by field', async () => {
    const steps = (change: (list: Record<string, unknown[]>) => unknown) =>
      changed(({ steps }) => change(steps as unknown as Record<string, unknown[]>));
    await refused(await changed((file) => Object.assign(file, { version: 9 })), /version must be 1/);
    await refused(await changed((file) => Object.assign(file, { steps: 4 })), /steps/);
    await refused(await steps((list) => list.ids?.pop()), /steps.ids must be a list of 94 numbers/);
    await refused(await steps((list) => list.tops?.fill('x')), /steps.tops must hold whole numbers/);
    await refused(await steps((list) => list.shares?.fill(900)), /tokens\[0\].shares must not be negative/);
    await refused(await steps((list) => list.tops?.fill(20_000, 0, 1)), /map.top must lie between 0 and 1/);
    await refused(await steps((list) => list.texts?.fill(7)), /tokens\[0\].text/);
    await refused(await steps((list) => Object.assign(list, { maps: '?' })), /maps must be base64/);
    await refused(await steps((list) => Object.assign(list, { maps: 'AAAA' })), /maps must hold 16 bytes/);
    await refused(
      await changed((file) => Object.assign(file.prompt ?? {}, { pictures: [{ grid: [1e9, 1e9] }] })),
      /prompt|maps/,
    );
  });

  it('never does anything but play or be refused', async () => {
    const link = await writeTraceLink(await first());
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(link.length - 1), fc.constantFrom(...'Aa0-_z.%')), {
          minLength: 1,
          maxLength: 4,
        }),
        async (changes) => {
          const letters = [...link];
          for (const [at, letter] of changes) letters[at] = letter;
          await open(letters.join('')).catch((thrown) => expect(thrown).toBeInstanceOf(DataError));
        },
      ),
      { numRuns: 150 },
    );
  });
});
