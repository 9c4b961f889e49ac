// The catalogue that ships with the page, and what is refused in one.
import { expect, it } from 'vitest';
import QWEN2_5_VL_3B from '../../configs/models/Qwen2.5-VL-3B-Instruct.json';
import { checkHubName } from '../../src/hub/hub_listing';
import { parseModelConfig } from '../../src/model/config';
import { parameterCount } from '../../src/services/library/model_memory';
import { parseCatalogue } from '../../src/state/model_catalogue';
import { loadFixtureJson } from '../harness/fixture';

const entries = parseCatalogue(await loadFixtureJson('/public/models/catalogue.json'));

it('names models that can be asked of the hub, each once', () => {
  for (const { id, revision } of entries) checkHubName(id, revision);
  expect(new Set(entries.map(({ id }) => id)).size).toBe(entries.length);
});

it('gives sizes of two bytes for each parameter, as the files hold them', () => {
  for (const { parameters, bytes } of entries)
    expect(bytes).toBe(parameters === null ? null : 2 * parameters);
});

it('counts the parameters that the shapes have', () => {
  const entry = entries.find(({ id }) => id === 'Qwen/Qwen2.5-VL-3B-Instruct');
  expect(entry?.parameters).toBe(parameterCount(parseModelConfig(QWEN2_5_VL_3B)));
});

it.each([[{}], [[{ id: 'a/b' }]], [[{ ...entries[0], bytes: 'many' }]]])('refuses %j', (value) => {
  expect(() => parseCatalogue(value)).toThrow(expect.objectContaining({ code: 'model/list' }));
});
