import { expect, test } from 'vitest';
import { BLANK, readDraft, type Draft } from '../src/state/newjob';

const read = (typed: Partial<Draft>) => readDraft({ ...BLANK, kind: 'CACHE_WARM', payload: '{}', ...typed });

test('what is left empty is the choice of the engine', () => {
  expect(read({ payload: '' })).toEqual({
    ok: true,
    request: {
      kind: 'CACHE_WARM',
      payload: null,
      queue: null,
      priority: null,
      key: null,
      delay_ms: null,
      attempts: null,
    },
  });
});

test('what is typed reaches the engine in its units', () => {
  const typed = {
    payload: ' {"keys": [1]} ',
    queue: 'low',
    priority: 'high',
    key: ' k ',
    delay_s: '90',
    attempts: '5',
  };
  expect(read(typed as Partial<Draft>)).toEqual({
    ok: true,
    request: {
      kind: 'CACHE_WARM',
      payload: { keys: [1] },
      queue: 'low',
      priority: 'high',
      key: 'k',
      delay_ms: 90_000,
      attempts: 5,
    },
  });
});

test.each<[keyof Draft, string[]]>([
  ['payload', ['{', '{a: 1}', "{'a': 1}", 'nothing']],
  ['delay_s', ['soon', '-1', '1.5', '31536001']],
  ['attempts', ['0', '101', 'many', '2.5']],
])('a wrong %s is named', (field, values) => {
  for (const value of values) expect(read({ [field]: value }), value).toEqual({ ok: false, field });
});

test('no delay and a year of it are delays', () => {
  for (const delay_s of ['0', '31536000']) expect(read({ delay_s }).ok, delay_s).toBe(true);
});
