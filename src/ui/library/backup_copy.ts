// Holds every sentence about backups: of everything at once, and of what restoring one came to.

import { formatBytes } from '../../lib/format';
import type { BackupWork } from '../../state/backup';
import type { RestoredItem, RestoreReport } from '../../worker/protocol/backup';
import { CONTROLS, pageName } from '../controls';
import { durationText } from '../train/figures_text';
import { LIBRARY_COPY } from './library_copy';

const count = (number: number, one: string, many = `${one}s`): string =>
  `${number} ${number === 1 ? one : many}`;

/** Fixed texts. */
export const BACKUP_COPY = {
  title: 'Backup',
  about:
    'All that you made here as one zip: adapters, datasets, runs with their logs and checkpoints, evaluations, a cold start, saved looks, and the settings of the page. Models of the hub are named in it, not held. What is here already is never replaced when it is restored.',
  write: CONTROLS.exportAll.label,
  restore: 'Restore from a backup',
  cancel: 'Cancel',
  dismiss: 'Close',
  progress: 'How far the backup is',
  phases: {
    writing: 'Writing',
    comparing: 'Looking at what is here already…',
    restoring: 'Restoring',
  } satisfies Record<BackupWork['phase'], string>,
  written: (items: number, bytes: number) => `${count(items, 'item')} exported, ${formatBytes(bytes)}.`,
  writtenDownload: 'Look in your downloads.',
  nothing: 'The backup holds nothing.',
  of: (createdAt: number) => `Backup of ${new Date(createdAt).toLocaleString()}`,
  cancelled: 'It was cancelled before the end. What is listed stays; restore it again for the rest.',
  modelsMissing: `Models that were there and are not here: get them on ${pageName('models')}.`,
  model: ({ id, revision, commit }: RestoreReport['models'][number]) =>
    `${id} at ${revision === commit ? commit.slice(0, 8) : `${revision} (${commit.slice(0, 8)})`}`,
  settings: (number: number) =>
    `${count(number, 'setting')} of the page ${number === 1 ? 'was' : 'were'} taken, and ${number === 1 ? 'is' : 'are'} used after the page is loaded again.`,
  reload: 'Load the page again',
} as const;

/** What is being done, in one line. */
export function workSentence({ phase, name, loaded, total, secondsLeft }: BackupWork): string {
  if (phase === 'comparing' || name === '')
    return BACKUP_COPY.phases[phase] + (phase === 'comparing' ? '' : '…');
  const left = secondsLeft === null ? '' : `, ${durationText(secondsLeft)} left`;
  return `${BACKUP_COPY.phases[phase]} “${name}”: ${formatBytes(loaded)} of about ${formatBytes(total)}${left}`;
}

/** How many items were restored, renamed, kept and refused, in one line. */
export function restoredSentence(items: readonly RestoredItem[]): string {
  const of = (outcome: RestoredItem['outcome']) => items.filter((item) => item.outcome === outcome).length;
  const parts = [
    [of('restored') + of('renamed'), 'restored'],
    [of('kept'), 'here already'],
    [of('refused'), 'not restored'],
  ] as const;
  const told = parts.filter(([number]) => number > 0).map(([number, words]) => `${number} ${words}`);
  return told.length === 0 ? BACKUP_COPY.nothing : `${told.join(', ')}.`;
}

/** What there is to say of one item: a new name, or why it was refused; null for the others. */
export function itemSentence({ kind, name, outcome, detail }: RestoredItem): string | null {
  const what = `${LIBRARY_COPY.items[kind]} “${name}”`;
  if (outcome === 'renamed') return `${what} has changed here since; the one of the backup is “${detail}”.`;
  return outcome === 'refused' ? `${what} was not restored. ${detail}` : null;
}
