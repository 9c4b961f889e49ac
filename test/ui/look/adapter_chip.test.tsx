// The adapter beside the model over a scripted engine: which ones are offered, and what is said of the chosen one.
import { fireEvent, screen } from '@testing-library/preact';
import { expect, it } from 'vitest';
import { AdapterChip } from '../../../src/ui/look/adapter_chip';
import { adapterOf, settled } from '../../state/train_script';
import { renderIn } from '../page_script';
import { shelf } from '../page_state';

it('offers adapters of the loaded model, and warns of one that was trained over other weights', async () => {
  const adapters = [
    adapterOf('same', { precision: 'int4' }),
    adapterOf('other', { precision: 'int8', caution: 'Trained over weights of 8 bits.' }),
    adapterOf('elsewhere', { modelId: 'big' }),
  ];
  renderIn(await shelf({ adapters }), <AdapterChip />);
  const chooser = screen.getByTestId<HTMLSelectElement>('adapter-chooser');
  expect([...chooser.options].map(({ value }) => value)).toEqual(['', 'same', 'other']);
  const choose = async (id: string) => {
    fireEvent.change(chooser, { target: { value: id } });
    await settled();
    return screen.queryByTestId('adapter-caution')?.getAttribute('aria-label') ?? null;
  };
  expect(await choose('same')).toBeNull();
  expect(await choose('other')).toBe('Trained over weights of 8 bits.');
  expect(await choose('')).toBeNull();
});
