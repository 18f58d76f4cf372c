import { expect, test } from 'vitest';
import { keyAction, type KeyContext } from '../src/state/keys';

const free: KeyContext = { typing: false, dialog: false };
const press = (
  key: string,
  context: Partial<KeyContext> = {},
  held: 'ctrlKey' | 'metaKey' | 'altKey' | null = null,
) =>
  keyAction(
    { key, ctrlKey: held === 'ctrlKey', metaKey: held === 'metaKey', altKey: held === 'altKey' },
    { ...free, ...context },
  );

test('every documented key does what it says', () => {
  expect(press('k', {}, 'ctrlKey')).toEqual({ do: 'palette' });
  expect(press('K', {}, 'metaKey')).toEqual({ do: 'palette' });
  expect(press('1')).toEqual({ do: 'screen', index: 0 });
  expect(press('9')).toEqual({ do: 'screen', index: 8 });
  expect(press('/')).toEqual({ do: 'search' });
  expect(press('r')).toEqual({ do: 'refresh' });
  expect(press('R')).toEqual({ do: 'refresh' });
  expect(press('?')).toEqual({ do: 'keys' });
  expect(press('Escape')).toEqual({ do: 'back' });
});

test('while typing, letters are text, but the palette still opens and Escape still goes back', () => {
  for (const key of ['1', '/', 'r', '?']) expect(press(key, { typing: true })).toBeNull();
  expect(press('k', { typing: true }, 'ctrlKey')).toEqual({ do: 'palette' });
  expect(press('Escape', { typing: true })).toEqual({ do: 'back' });
});

test('an open dialog has the keys', () => {
  for (const key of ['1', '/', 'r', '?', 'Escape']) expect(press(key, { dialog: true })).toBeNull();
  expect(press('k', { dialog: true }, 'ctrlKey')).toEqual({ do: 'palette' });
});

test('combinations that belong to the system are left alone', () => {
  for (const key of ['r', '1', '/', 'c']) {
    expect(press(key, {}, 'ctrlKey')).toBeNull();
    expect(press(key, {}, 'altKey')).toBeNull();
  }
  expect(press('0')).toBeNull();
  expect(press('x')).toBeNull();
});
