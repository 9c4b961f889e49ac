// Reads the catalogue of models that the page offers (public/models/catalogue.json): what each is before anything of it
// is asked of the hub.

import { ModelError } from '../lib/errors';
import { JsonReader } from '../lib/json_reader';

/** A model of the catalogue. */
export interface CatalogueEntry {
  /** `organisation/name` on the hub. */
  readonly id: string;
  readonly revision: string;
  readonly family: string;
  /** Null where it is not known without asking. */
  readonly parameters: number | null;
  /** Bytes of its weights on the hub; null where they are not known without asking. */
  readonly bytes: number | null;
  /** How pictures become image tokens, in words. */
  readonly imageTokens: string;
}

const FILE = 'models/catalogue.json';
const fail = (message: string, key: string): ModelError =>
  new ModelError('model/list', message, { file: FILE, key });

/** The entries of a parsed catalogue. @throws ModelError `model/list` naming the key */
export function parseCatalogue(value: unknown): CatalogueEntry[] {
  if (!Array.isArray(value)) throw fail(`${FILE} must be a list of models`, '');
  return value.map((item: unknown, at): CatalogueEntry => {
    const entry = new JsonReader(item, FILE, fail, `[${at}]`);
    const optional = (key: string): number | null =>
      entry.has(key) ? entry.integer(key, { min: 1, max: Number.MAX_SAFE_INTEGER }) : null;
    return {
      id: entry.string('id'),
      revision: entry.string('revision'),
      family: entry.string('family'),
      parameters: optional('parameters'),
      bytes: optional('bytes'),
      imageTokens: entry.string('imageTokens'),
    };
  });
}
