// Draws the dialog that shares an answer: its link in a field, copying it, what it carries, and the file where the answer is
// too large for a link.

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { type PlainError, plainError } from '../../lib/plain_error';
import type { Look } from '../../state/look';
import { type NamedAnswer, sharesCsv } from '../../state/shares_csv';
import { LINK_CHARACTERS } from '../../state/trace_link';
import { Modal } from '../confirm';
import { download, fileName } from '../download';
import { Notice } from '../notice';
import { answerPicture } from './answer_picture';
import { EXPORT_COPY } from './export_copy';
import { KeepLook } from './keep_look';
import { useLibrary, useLook } from './look_context';
import { SHARE_COPY } from './share_copy';
import { type SharedLink, shareLink } from './share_link';
import '../styles/share.css';

function LinkField({ link }: { readonly link: SharedLink & { readonly url: string } }) {
  const copied = useSignal<boolean | null>(null);
  return (
    <>
      <div class="share-row">
        <input
          type="text"
          readOnly
          aria-label={SHARE_COPY.link}
          data-testid="share-link"
          value={link.url}
          onFocus={(event) => event.currentTarget.select()}
        />
        <button
          type="button"
          class="primary"
          onClick={() => {
            navigator.clipboard.writeText(link.url).then(
              () => {
                copied.value = true;
              },
              () => {
                copied.value = false;
              },
            );
          }}
        >
          {copied.value === true ? SHARE_COPY.copied : SHARE_COPY.copy}
        </button>
      </div>
      <p role="status">{copied.value === false && SHARE_COPY.copyByHand}</p>
      <p>{SHARE_COPY.carries}</p>
      <p class="hint">
        {SHARE_COPY.size(link.characters, LINK_CHARACTERS)} {!link.exact && SHARE_COPY.lossy}
      </p>
    </>
  );
}

/** Both answers of a comparison, or the one on show, by what their rows are called. */
function namedAnswers({ comparison, session }: Look): NamedAnswer[] {
  const pair = comparison.value;
  const all = [
    { name: 'base', answer: pair?.base ?? null },
    { name: pair?.choice.name ?? 'adapter', answer: pair?.adapter ?? null },
  ];
  const shown = session.value.answer;
  const named =
    pair === null ? [{ name: shown?.adapterLabel ?? shown?.modelLabel ?? '', answer: shown }] : all;
  return named.flatMap(({ name, answer }) => (answer === null ? [] : [{ name, answer }]));
}

async function saveShares(look: Look): Promise<void> {
  const question = look.session.value.answer?.asked.question ?? '';
  download(sharesCsv(namedAnswers(look)), fileName(question, 'csv', 'shares'));
}

async function savePicture(look: Look): Promise<void> {
  const picture = await answerPicture(look);
  const question = look.session.value.answer?.asked.question ?? '';
  if (picture !== null) download(picture, fileName(question, 'png', 'answer'));
}

/** The dialog; `save` offers the file, `onClose` ends it. */
export function ShareDialog({ save, onClose }: { readonly save: () => void; readonly onClose: () => void }) {
  const look = useLook();
  const library = useLibrary();
  const link = useSignal<SharedLink | null>(null);
  const error = useSignal<PlainError | null>(null);
  useEffect(() => {
    const { answer } = look.session.value;
    if (answer === null) return;
    shareLink({ answer, pictures: look.answerPictures.value }, location.href).then(
      (made) => {
        link.value = made;
      },
      (thrown) => {
        error.value = plainError(thrown);
      },
    );
  }, [look, link, error]);
  const made = link.value;
  const offer = (save: (of: Look) => Promise<void>) => {
    save(look).catch((thrown) => {
      error.value = plainError(thrown);
    });
  };
  return (
    <Modal title={SHARE_COPY.title} onClose={onClose}>
      {error.value !== null && <Notice error={error.value} compact retry={null} />}
      {made === null && error.value === null && <p class="empty">{SHARE_COPY.making}</p>}
      {made !== null && made.url !== null && <LinkField link={made} />}
      {made !== null && made.url === null && (
        <p data-testid="share-too-large">{SHARE_COPY.tooLarge(made.characters, LINK_CHARACTERS)}</p>
      )}
      <KeepLook look={look} library={library} />
      <div class="dialog-actions">
        <button type="button" onClick={save}>
          {SHARE_COPY.save}
        </button>
        <button type="button" data-testid="save-png" onClick={() => offer(savePicture)}>
          {EXPORT_COPY.png}
        </button>
        <button type="button" data-testid="save-csv" onClick={() => offer(saveShares)}>
          {EXPORT_COPY.csv}
        </button>
        <button type="button" onClick={onClose}>
          {SHARE_COPY.close}
        </button>
      </div>
    </Modal>
  );
}
