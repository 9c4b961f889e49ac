// An adapter's two files read against a model: what is wrong with either is said of the adapter, not of the model.
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { readAdapterPair } from '../../src/model/adapter_pair';
import { parseModelConfig } from '../../src/model/config';
import { writeAdapterConfig, writeAdapterWeights } from '../../src/model/peft';
import { writeSafetensors } from '../../src/model/safetensors';

const FIXTURE = new URL('../fixtures/tiny-qwen2_5_vl/', import.meta.url);

async function fixture() {
  const read = (name: string) => readFile(new URL(name, FIXTURE));
  const model = parseModelConfig(JSON.parse((await read('config.json')).toString('utf8')));
  const config = new Uint8Array(await read('adapter/adapter_config.json'));
  const weights = new Uint8Array(await read('adapter/adapter_model.safetensors'));
  return { model, config, weights, pair: await readAdapterPair({ config, weights }, model) };
}

describe('readAdapterPair', () => {
  it('reads what PEFT writes, and what we write', async () => {
    const { model, pair } = await fixture();
    const config = new TextEncoder().encode(writeAdapterConfig(pair.config, []));
    const again = await readAdapterPair(
      { config, weights: writeAdapterWeights(pair.weights, pair.config) },
      model,
    );
    expect(again).toEqual(pair);
    expect(pair.base).toBeNull();
    expect(pair.precision).toBeNull();
  });

  it.each([
    ['int4', 'int4'],
    ['int3', null],
    [4, null],
  ])('takes the precision %s of the base as %s', async (named, precision) => {
    const { model, config, weights } = await fixture();
    const json = { ...JSON.parse(new TextDecoder().decode(config)), lookback_base_precision: named };
    const text = new TextEncoder().encode(JSON.stringify(json));
    expect((await readAdapterPair({ config: text, weights }, model)).precision).toBe(precision);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses %s, naming the tensor', async (value) => {
    const { model, config, pair } = await fixture();
    const [first, ...rest] = pair.weights;
    const a = Float32Array.from(first?.a ?? []);
    a[3] = value;
    const weights = writeAdapterWeights(
      [{ module: first?.module ?? '', a, b: first?.b ?? a }, ...rest],
      pair.config,
    );
    await expect(readAdapterPair({ config, weights }, model)).rejects.toMatchObject({
      code: 'model/adapter',
      message: expect.stringMatching(/lora_A.*not finite/),
    });
  });

  it('calls an adapter in F64, and a broken file, an adapter that cannot be used', async () => {
    const { model, config, pair } = await fixture();
    const [first] = pair.weights;
    const name = `base_model.model.${first?.module}.lora_A.weight`;
    const shape = [pair.config.r, (first?.a.length ?? 0) / pair.config.r];
    const bytes = new Uint8Array(8 * (first?.a.length ?? 0));
    const weights = writeSafetensors([{ name, dtype: 'F64', shape, bytes }]);
    await expect(readAdapterPair({ config, weights }, model)).rejects.toMatchObject({
      code: 'model/adapter',
      message: expect.stringMatching(/lora_A.*has the type F64; adapters are read as F32, F16 or BF16/),
    });
    await expect(readAdapterPair({ config, weights: weights.slice(0, 99) }, model)).rejects.toMatchObject({
      code: 'model/adapter',
    });
    const text = new TextEncoder().encode('{');
    await expect(readAdapterPair({ config: text, weights }, model)).rejects.toThrow('not valid JSON');
  });
});
