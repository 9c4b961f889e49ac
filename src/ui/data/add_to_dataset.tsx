// Adds a finished answer to a dataset by a dialog: which set, and the row, corrected where the model was wrong. What
// is added is what the fields show.

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Library } from '../../state/library';
import type { Look } from '../../state/look';
import type { Picture } from '../../state/look_picture';
import type { Answer } from '../../state/session';
import type { DatasetSummary } from '../../worker/protocol/library';
import { Modal } from '../confirm';
import { Notice } from '../notice';
import { DATA_COPY } from './data_copy';
import '../styles/data.css';

interface Fields {
  readonly datasetId: string;
  readonly name: string;
  readonly question: string;
  readonly answer: string;
  readonly response: string;
}

function firstFields(answer: Answer, picture: Picture, datasets: readonly DatasetSummary[]): Fields {
  const { question } = answer.asked;
  const boxed = answer.result?.answer ?? '';
  return {
    datasetId: datasets[0]?.id ?? '',
    name: '',
    question,
    answer: picture.trueAnswer(question) ?? boxed,
    response: answer.text.trim(),
  };
}

interface FormProps {
  readonly library: Library;
  readonly answer: Answer;
  readonly picture: Picture;
  readonly onClose: () => void;
}

/** Said when the row is kept. */
function Added({ dataset, onClose }: { readonly dataset: DatasetSummary; readonly onClose: () => void }) {
  const words = DATA_COPY.add;
  return (
    <>
      <p data-testid="add-done">{words.done(dataset.name, dataset.rows)}</p>
      <div class="dialog-actions">
        <button type="button" class="primary" onClick={onClose}>
          {words.close}
        </button>
      </div>
    </>
  );
}

interface FieldsProps {
  readonly fields: Fields;
  readonly set: (change: Partial<Fields>) => void;
}

/** Which dataset the row goes to. */
function DatasetField({
  fields: { datasetId, name },
  set,
  datasets,
}: FieldsProps & { readonly datasets: readonly DatasetSummary[] }) {
  const words = DATA_COPY.add;
  return (
    <>
      <label class="field">
        {words.dataset}
        <select value={datasetId} onChange={(event) => set({ datasetId: event.currentTarget.value })}>
          {datasets.map((dataset) => (
            <option key={dataset.id} value={dataset.id}>
              {dataset.name}
            </option>
          ))}
          <option value="">{words.create}</option>
        </select>
      </label>
      {datasetId === '' && (
        <label class="field">
          {words.name}
          <input
            type="text"
            maxLength={120}
            value={name}
            data-testid="add-name"
            onInput={(event) => set({ name: event.currentTarget.value })}
          />
        </label>
      )}
    </>
  );
}

/** What the row says. */
function RowFields({ fields: { question, answer, response }, set }: FieldsProps) {
  const words = DATA_COPY.add;
  return (
    <>
      <label class="field">
        {words.question}
        <textarea
          rows={2}
          value={question}
          onInput={(event) => set({ question: event.currentTarget.value })}
        />
      </label>
      <label class="field">
        {words.answer}
        <input
          type="text"
          value={answer}
          data-testid="add-answer"
          aria-describedby="add-answer-why"
          onInput={(event) => set({ answer: event.currentTarget.value })}
        />
        <span class="hint" id="add-answer-why">
          {words.answerWhy}
        </span>
      </label>
      <label class="field">
        {words.response}
        <textarea
          rows={5}
          class="mono"
          value={response}
          aria-describedby="add-response-why"
          onInput={(event) => set({ response: event.currentTarget.value })}
        />
        <span class="hint" id="add-response-why">
          {words.responseWhy}
        </span>
      </label>
    </>
  );
}

function Form({ library, answer, picture, onClose }: FormProps) {
  const words = DATA_COPY.add;
  const fields = useSignal(firstFields(answer, picture, library.datasets.value));
  const done = useSignal<DatasetSummary | null>(null);
  const set = (change: Partial<Fields>) => {
    fields.value = { ...fields.value, ...change };
  };
  const { datasetId, name, question, answer: correct, response } = fields.value;
  const complete =
    question.trim() !== '' && correct.trim() !== '' && (datasetId !== '' || name.trim() !== '');
  const send = async () => {
    const row = {
      image: picture.blob,
      imageName: picture.name,
      question: question.trim(),
      answer: correct.trim(),
      response: response.trim() || null,
    };
    done.value = await library.addToDataset(datasetId || null, name.trim(), row);
  };
  if (done.value !== null) return <Added dataset={done.value} onClose={onClose} />;
  const error = library.error.value;
  return (
    <form
      class="add-form"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <DatasetField fields={fields.value} set={set} datasets={library.datasets.value} />
      <RowFields fields={fields.value} set={set} />
      {error !== null && <Notice error={error} compact retry={null} />}
      <div class="dialog-actions">
        <button type="button" onClick={onClose}>
          {DATA_COPY.add.close}
        </button>
        <button
          type="submit"
          class="primary"
          data-testid="add-send"
          disabled={!complete || library.busy.value}
        >
          {words.send}
        </button>
      </div>
    </form>
  );
}

/** The dialog; open while it is mounted. */
export function AddToDataset({
  look,
  library,
  onClose,
}: {
  readonly look: Look;
  readonly library: Library;
  readonly onClose: () => void;
}) {
  // As they were when the dialog opened: a new answer must not change what is being added.
  const subject = useSignal({ answer: look.session.value.answer, pictures: look.answerPictures.value });
  const { answer, pictures } = subject.value;
  const [picture, second] = pictures;
  // An earlier failure elsewhere is not this dialog's.
  useEffect(() => library.dismiss(), [library]);
  if (answer === null || picture === undefined) return null;
  return (
    <Modal title={DATA_COPY.add.title} onClose={onClose}>
      {second === undefined ? (
        <Form library={library} answer={answer} picture={picture} onClose={onClose} />
      ) : (
        <>
          <p data-testid="add-several">{DATA_COPY.add.several(pictures.length)}</p>
          <div class="dialog-actions">
            <button type="button" class="primary" onClick={onClose}>
              {DATA_COPY.add.close}
            </button>
          </div>
        </>
      )}
    </Modal>
  );
}
