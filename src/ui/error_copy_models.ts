// Words the errors of models: their files, the hub that they come from, their prompts, and adapters for them.

import type { ErrorCodeOf } from '../lib/error_codes';
import type { PlainError } from '../lib/plain_error';
import { control, pageName } from './controls';
import { copy, type ErrorCopy, type ErrorWords, REPORT, said } from './error_words';
import { CHECK_NAME, GIVE_TOKEN, HUB_AWAY, hubPageLink } from './hub_help';

const OTHER_MODEL = `Choose another on ${pageName('models')}.`;
const HUB_SETTINGS = `${control('hubAccess')} on ${pageName('models')}`;

/** A model whose files are not as they should be: another arrival may help, another model does. */
function broken(title: string, step: string): (error: PlainError) => ErrorCopy {
  return said(title, [step, OTHER_MODEL], 'retry');
}

/** Words for the codes `model/…` and `adapter/…`. */
export const MODEL_ERRORS: ErrorWords<ErrorCodeOf<'model' | 'adapter'>> = {
  'model/download': said(
    'The model could not be fetched',
    ['Check the connection to the server that this page came from.'],
    'retry',
  ),
  'model/integrity': said(
    'A file of the model arrived damaged',
    ['Fetch it again: only that file is fetched anew.'],
    'retry',
  ),
  'model/files': broken('A file of the model is missing', 'Add the file that is named beside the others.'),
  'model/config': broken(
    'The settings of the model cannot be read',
    'Compare the key that is named with the model’s page.',
  ),
  'model/checkpoint': broken(
    'The weight files of the model do not fit together',
    'Take all weight files and their index from one revision.',
  ),
  'model/safetensors': broken(
    'A weight file of the model is damaged',
    'Fetch the file that is named once more.',
  ),
  'model/weights': broken(
    'The weights are not those of this kind of model',
    'Take config.json and weights from the same model.',
  ),
  'model/tied-head': broken(
    'The output layer of the model is ambiguous',
    'Say tie_word_embeddings in its config.json.',
  ),
  'model/dtype': broken(
    'A weight has a number format that is not supported',
    'Take the model in BF16, F16 or F32; it is quantised here.',
  ),
  'model/tokenizer': broken(
    'The tokenizer of the model cannot be used',
    'Take tokenizer.json from the model’s own page.',
  ),
  'model/chat-template': broken(
    'The chat template of the model cannot be used',
    'Take the chat template from the model’s own page.',
  ),
  'model/unsupported': said(
    'This kind of model is not supported yet',
    [`${pageName('models').replace('the', 'The')} lists the families that are.`],
    'open-models',
  ),
  'model/unknown': said('There is no such model', ['Choose one of the list.'], 'open-models'),
  'model/list': said(
    'The list of models cannot be read',
    ['Reload the page. Whoever put it on this server left a file out, or an old one in.'],
    'reload',
  ),
  'model/mode': said('The model has no such prompt', ['Choose another prompt.']),
  'model/token': said('The prompt holds a token that the model lacks', [REPORT]),
  'model/image': said('The model cannot take this picture', ['Scale or crop it, or choose another picture.']),
  'model/image-tokens': said('Picture and question do not match', [REPORT]),
  'model/adapter': said('This is not an adapter that can be used here', [
    'adapter_config.json and adapter_model.safetensors, as PEFT writes them for this base model, will do: both files, their folder, or a zip.',
  ]),
  'model/hub-address': said('This cannot be the address of a hub', [
    `Give an https:// address under ${HUB_SETTINGS}.`,
  ]),
  'model/hub-token': said('This is not a token', [
    'Copy the whole token from the settings of your account on the hub; it begins with hf_.',
  ]),
  'model/not-here': said('The model is not on this device', [OTHER_MODEL], 'open-models'),
  'model/download-busy': said('Another download is under way', [
    `Press ${control('pauseDownload')} there first, or wait until it is done.`,
  ]),
  'model/download-paused': said('The download is paused', [
    `Press ${control('resumeDownload')} to go on; what has arrived is kept.`,
  ]),
  'model/hub-name': said('This is not the name of a model', ['Copy the name from the model’s page.']),
  'model/hub-missing': said('The hub has nothing of that name', [CHECK_NAME]),
  'model/hub-gated': (error) => ({
    ...copy('Its owners ask for a permission first', error.message, [GIVE_TOKEN], 'none'),
    ...hubPageLink(error),
  }),
  'model/hub-unreachable': said('The model hub does not answer', [HUB_AWAY], 'retry'),
  'model/hub-busy': said(
    'The model hub is busy',
    ['Try again in a few minutes. What has arrived is kept.'],
    'retry',
  ),
  'model/hub-changed': said(
    'The model changed while it was downloaded',
    ['Begin again, with the version that the hub has now.'],
    'retry',
  ),
  'model/hub-refused': said('The model hub refused', [CHECK_NAME], 'retry'),
  'model/hub-answer': said(
    'The model hub said something that cannot be understood',
    [`Look whether the address under ${HUB_SETTINGS} is that of a hub.`],
    'retry',
  ),
  'adapter/base': said('This adapter belongs to another base model', [
    'Load the model that it was trained on: its numbers mean nothing to another one.',
  ]),
  'adapter/no-checkpoint': said(
    'This run has nothing to save yet',
    ['Let it go on until its first checkpoint.'],
    'open-train',
  ),
  'adapter/cancelled': said('Nothing was imported', ['Import it again when you want it.']),
};
