// The cards of adapters that are kept here: what their written settings add, and those of the shipped ones as they lie there.
import { describe, expect, it } from 'vitest';
import { adapterCard } from '../../../src/services/library/adapter_card';
import { BundledAdapters } from '../../../src/services/library/bundled_adapters';
import { loadFixture } from '../../harness/fixture';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** The page's own files. */
const page = new BundledAdapters(new URL('https://page.test/'), async (url) => {
  const type = url.pathname.endsWith('.json') ? 'application/json' : 'application/octet-stream';
  return new Response(await loadFixture(`/public${url.pathname}`), { headers: { 'content-type': type } });
});

describe('adapterCard', () => {
  it('is what lies beside every shipped adapter', async () => {
    for (const adapter of await page.list()) {
      const { config } = (await page.open(adapter.id))!;
      const card = text(await loadFixture(`/public/adapters/${adapter.id}/README.md`));
      expect(card, `npm run bundle-adapter -- --cards writes ${adapter.id}'s`).toBe(
        adapterCard(adapter, text(config), null),
      );
      expect(card).toContain(`# ${adapter.name}`);
      expect(card).toContain('| trained over weights in | f32 |');
    }
  });

  it('says rank, scale and dropout as the settings do, and that modules differ', async () => {
    const [adapter] = await page.list();
    const config = { peft_type: 'LORA', r: 4, lora_alpha: 12, target_modules: ['q_proj'] };
    expect(adapterCard(adapter!, JSON.stringify({ ...config, lora_dropout: 0.1 }), 'c0ffee')).toMatch(
      /\| base revision \| `c0ffee` \|[\s\S]*\| rank, alpha \| 4, 12 \|\n\| dropout \| 0.1 \|/,
    );
    const own = adapterCard(adapter!, JSON.stringify({ ...config, rank_pattern: { q_proj: 8 } }), null);
    expect(own).toMatch(/4, 12; some modules differ[\s\S]*\| dropout \| 0 \|/);
  });
});
