// Declares which tags a look back is written in: of a run's configuration, and of an evaluation on the command line. The tags
// themselves are in src/answer/look_tags.ts, by the same names.

import { choice } from './setting';

/** The tags of a look back, by their name. */
export const LOOK_TAG = choice(
  'back',
  {
    back: '<back> … </back>',
    recheck: '<recheck> … </recheck>',
    review: '<review> … </review>',
    words_back: '< back > … < - back >',
    words_check: '< check > … < - check >',
    words_see: '< see > … < - see >',
  },
  {
    group: 'kind',
    label: 'Tags of a look back',
    help: 'In prompts, written looks, rewards and figures; what was trained with others is measured with the same.',
    docs:
      '`words_check` is `< check >` and `< - check >`, for vocabularies of whole words such as pocket’s, which cannot ' +
      'write `<recheck>`; likewise `words_back`, `words_see`. The rewards `visual_anchor` and `visual_dependence` read `back` alone.',
  },
);
