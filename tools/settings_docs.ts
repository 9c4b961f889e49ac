// Writes the tables of settings that docs/cli.md holds, from the declarations of src/settings.

import { EVALUATION_SETTINGS } from '../src/settings/evaluation_settings';
import { ADAPTER_SETTINGS, GENERATION_SETTINGS } from '../src/settings/generation_settings';
import { NEEDED_KEYS, RUN_FILE_SETTINGS } from '../src/settings/run_file';
import { choicesOf, rangeWords, type Setting, type SettingTable } from '../src/settings/setting';

const TABLES: Readonly<Record<string, { readonly table: SettingTable; readonly needed: readonly string[] }>> =
  {
    training: { table: RUN_FILE_SETTINGS, needed: NEEDED_KEYS },
    answers: { table: { ...GENERATION_SETTINGS, ...ADAPTER_SETTINGS }, needed: [] },
    evaluation: { table: EVALUATION_SETTINGS, needed: ['mode'] },
  };

function defaultWords(setting: Setting): string {
  if (setting.kind === 'text') return setting.defaultWords ?? setting.default ?? 'none';
  if (setting.default === null) return 'the model’s own';
  return setting.kind === 'choice' ? `\`${setting.default}\`` : String(setting.default);
}

function valueWords(setting: Setting): string {
  switch (setting.kind) {
    case 'number': {
      const kind = setting.whole ? 'whole' : 'number';
      const count = [kind, rangeWords(setting)].join(' ').trim();
      return setting.share ? `${count}, or a share below 1` : count;
    }
    case 'choice':
      return choicesOf(setting)
        .map((name) => `\`${name}\``)
        .join(', ');
    case 'toggle':
      return '`true`, `false`';
    case 'text':
      return setting.pattern ? 'regular expression' : 'text';
  }
}

function whereWords({ method, source }: Setting): string {
  const from = { shapes_world: 'built-in world', dataset: 'dataset' };
  return [method?.toUpperCase(), source && from[source]].filter((word) => word !== undefined).join(', ');
}

function meaning({ label, unit, help, docs }: Setting): string {
  const unitWords = unit === undefined ? '' : `, in ${unit}`;
  return [`${label}${unitWords}.`, help, docs].filter((words) => words !== undefined).join(' ');
}

function tableOf(table: SettingTable, needed: readonly string[]): string {
  const rows = Object.entries(table).map(([path, setting]) => [
    `\`${path}\``,
    needed.includes(path) ? 'needed' : defaultWords(setting),
    valueWords(setting),
    whereWords(setting),
    meaning(setting),
  ]);
  const head = ['key', 'default', 'values', 'only for', 'meaning'];
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  return lines.join('\n');
}

/**
 * A document with the tables of settings between their marks, `<!-- settings: NAME -->` and `<!-- /settings -->`.
 * @throws Error for a mark that names no table
 */
export function withSettingTables(markdown: string): string {
  return markdown.replace(
    /(<!-- settings: (\w+) -->\n)[\s\S]*?(\n<!-- \/settings -->)/g,
    (_, open: string, name: string, close: string) => {
      const found = TABLES[name];
      if (found === undefined) throw new Error(`There is no table of settings "${name}".`);
      return `${open}${tableOf(found.table, found.needed)}${close}`;
    },
  );
}
