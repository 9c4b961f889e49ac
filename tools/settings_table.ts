// Command line: writes the tables of settings into docs/cli.md. `npm run settings_table`
import { readFile, writeFile } from 'node:fs/promises';
import { log, runCommand } from './command_line';
import { withSettingTables } from './settings_docs';

const FILE = 'docs/cli.md';

async function write(): Promise<void> {
  const before = await readFile(FILE, 'utf8');
  const after = withSettingTables(before);
  await writeFile(FILE, after);
  log(after === before ? `${FILE} is as the settings say.` : `${FILE} was written anew.`);
}

await runCommand('usage: npm run settings_table', write);
