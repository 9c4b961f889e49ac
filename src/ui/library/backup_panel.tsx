// Draws the panel of backups: the buttons to export everything and to restore it, how far that is, and what it came to.

import type { BackupState, BackupWork, Restored } from '../../state/backup';
import { FilePicker } from '../file_picker';
import { Icon } from '../icons';
import { Notice } from '../notice';
import { BACKUP_COPY, itemSentence, restoredSentence, workSentence } from './backup_copy';

function Progress({ work, cancel }: { readonly work: BackupWork; readonly cancel: () => void }) {
  const amount = work.total === 0 ? {} : { value: work.loaded, max: work.total };
  return (
    <div class="backup-work">
      <progress aria-label={BACKUP_COPY.progress} {...amount} />
      <span class="hint" data-testid="backup-pace">
        {workSentence(work)}
      </span>
      <button type="button" class="quiet" onClick={cancel}>
        {BACKUP_COPY.cancel}
      </button>
    </div>
  );
}

function Report({ restored: { report, settings } }: { readonly restored: Restored }) {
  const { items, models, cancelled, createdAt } = report;
  const told = items.flatMap((item) => itemSentence(item) ?? []);
  const missing = models.filter(({ here }) => !here);
  return (
    <>
      <h4>{BACKUP_COPY.of(createdAt)}</h4>
      <p data-testid="backup-restored">{restoredSentence(items)}</p>
      {cancelled && <p>{BACKUP_COPY.cancelled}</p>}
      {told.length > 0 && (
        <ul class="backup-list">
          {told.map((sentence) => (
            <li key={sentence}>{sentence}</li>
          ))}
        </ul>
      )}
      {missing.length > 0 && (
        <>
          <p>{BACKUP_COPY.modelsMissing}</p>
          <ul class="backup-list">
            {missing.map((model) => (
              <li key={`${model.id} ${model.commit}`}>{BACKUP_COPY.model(model)}</li>
            ))}
          </ul>
        </>
      )}
      {settings > 0 && (
        <p>
          {BACKUP_COPY.settings(settings)}{' '}
          <button type="button" class="quiet" onClick={() => location.reload()}>
            {BACKUP_COPY.reload}
          </button>
        </p>
      )}
    </>
  );
}

function Outcome({ backup }: { readonly backup: BackupState }) {
  const [written, restored] = [backup.written.value, backup.restored.value];
  return (
    <div role="status">
      {(written !== null || restored !== null) && (
        <div class="backup-outcome">
          {written !== null && (
            <p data-testid="backup-written">
              {BACKUP_COPY.written(written.items, written.bytes)}{' '}
              {written.file !== null && BACKUP_COPY.writtenDownload}
            </p>
          )}
          {restored !== null && <Report restored={restored} />}
          <button type="button" class="quiet" onClick={backup.dismiss}>
            {BACKUP_COPY.dismiss}
          </button>
        </div>
      )}
    </div>
  );
}

/** The panel. */
export function BackupPanel({ backup }: { readonly backup: BackupState }) {
  const work = backup.work.value;
  const error = backup.error.value;
  return (
    <section class="panel backup-panel" aria-labelledby="backup-title">
      <header class="panel-head">
        <h3 id="backup-title">{BACKUP_COPY.title}</h3>
      </header>
      <p class="hint">{BACKUP_COPY.about}</p>
      {work === null ? (
        <div class="import-row">
          <button type="button" data-testid="backup-write" onClick={() => void backup.write()}>
            <Icon name="download" /> {BACKUP_COPY.write}
          </button>
          <FilePicker
            label={BACKUP_COPY.restore}
            accept=".zip"
            testId="backup-restore"
            take={(files) => void backup.restore(files)}
          />
        </div>
      ) : (
        <Progress work={work} cancel={backup.cancel} />
      )}
      {error !== null && <Notice error={error} retry={null} dismiss={backup.dismiss} />}
      <Outcome backup={backup} />
    </section>
  );
}
