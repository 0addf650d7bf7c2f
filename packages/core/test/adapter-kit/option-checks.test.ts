import { describe, expect, it } from 'vitest'
import {
  booleanOption,
  functionOption,
  integerOption,
  requireKnownOptions,
  textOption,
  tlsOption,
} from '../../src/adapter-kit/option-checks.js'
import { keysOf } from '../../src/contract/checks/options.js'

interface Options {
  readonly url?: string
  readonly sizeMs?: number
}

const thrownBy = (work: () => unknown): Error & { code?: string } => {
  try {
    work()
  } catch (error) {
    return error as Error
  }
  return expect.fail('It was taken')
}

describe('a list of option names', () => {
  it('has the names of the type', () => {
    expect(keysOf<Options>()({ url: true, sizeMs: true })).toEqual(['url', 'sizeMs'])
  })

  it('does not compile if a name is missing, or one too many', () => {
    // @ts-expect-error sizeMs is missing
    keysOf<Options>()({ url: true })
    // @ts-expect-error colour is no option
    keysOf<Options>()({ url: true, sizeMs: true, colour: true })
  })
})

describe('options', () => {
  const known = ['url', 'sizeMs']

  it('are an object', () => {
    for (const options of [undefined, null, 'amqp://user:canary@host', 7, [], () => {}]) {
      const error = thrownBy(() => requireKnownOptions(options, known, 'rabbit()'))
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toBe('rabbit() takes an object of options')
    }
  })

  it('have no name but the known ones', () => {
    requireKnownOptions({}, known, 'rabbit()')
    requireKnownOptions({ url: undefined, sizeMs: 1 }, known, 'rabbit()')
    const error = thrownBy(() => requireKnownOptions({ sizeMS: 'canary' }, known, 'rabbit()'))
    expect(error.code).toBe('MQ_INVALID_OPTION')
    expect(error.message).toBe("rabbit() has no option 'sizeMS'. Known: url, sizeMs")
  })
})

describe('a whole number', () => {
  const range = { fallback: 5, min: 1, max: 9 }

  it('is the fallback if it is not given', () => {
    expect(integerOption({}, 'sizeMs' as never, range)).toBe(5)
    expect(integerOption<Options>({ sizeMs: 9 }, 'sizeMs', range)).toBe(9)
  })

  it.each([0, 10, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('is not %d where 1 to 9 are allowed', (sizeMs) => {
    const error = thrownBy(() => integerOption<Options>({ sizeMs }, 'sizeMs', range))
    expect(error.code).toBe('MQ_INVALID_OPTION')
    expect(error.message).toBe(`sizeMs must be a whole number from 1 to 9, not ${sizeMs}`)
  })

  it('may be as large as a safe integer where there is no maximum', () => {
    const { max: _, ...open } = range
    expect(integerOption<Options>({ sizeMs: Number.MAX_SAFE_INTEGER }, 'sizeMs', open)).toBe(Number.MAX_SAFE_INTEGER)
    expect(thrownBy(() => integerOption<Options>({ sizeMs: 2 ** 53 }, 'sizeMs', open)).code).toBe('MQ_INVALID_OPTION')
    expect(thrownBy(() => integerOption<Options>({ sizeMs: 0 }, 'sizeMs', open)).message).toBe(
      'sizeMs must be a whole number from 1, not 0',
    )
  })
})

describe('an option of another type', () => {
  const wrong = { any: 'canary', list: ['canary'], number: 1 }

  it.each<[string, () => unknown, string]>([
    ['a number', () => integerOption(wrong, 'any', { fallback: 1, min: 1 }), 'any must be a number, not string'],
    ['a boolean', () => booleanOption(wrong, 'any', true), 'any must be a boolean, not string'],
    ['a text', () => textOption(wrong, 'list'), 'list must be a string, not an array'],
    ['a function', () => functionOption(wrong, 'any'), 'any must be a function, not string'],
    ['tls', () => tlsOption({ tls: 'canary' }), "tls must be options of Node's tls.connect, not string"],
    [
      'tls',
      () => tlsOption({ tls: null }, { or: [true] }),
      "tls must be true or options of Node's tls.connect, not null",
    ],
  ])('than %s is a TypeError that does not show it', (_, work, text) => {
    const error = thrownBy(work)
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toBe(text)
  })
})

describe('what is given', () => {
  it('is taken as it is, and its default is the reader’s', () => {
    const createClient = (): void => {}
    const given = { isOn: false, name: '', createClient }
    expect(booleanOption(given, 'isOn', true)).toBe(false)
    expect(booleanOption<{ isOn?: boolean }>({}, 'isOn', true)).toBe(true)
    expect(textOption(given, 'name')).toBe('')
    expect(textOption<{ name?: string }>({}, 'name')).toBeUndefined()
    expect(functionOption(given, 'createClient')).toBe(createClient)
    expect(functionOption<{ createClient?: () => void }, 'createClient'>({}, 'createClient')).toBeUndefined()
  })

  it('is no empty text where that is not allowed', () => {
    const error = thrownBy(() => textOption({ name: '' }, 'name', { mayBeEmpty: false }))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toBe('name must be a string that is not empty')
  })

  it('is, for tls, an object or one of the booleans that the adapter takes', () => {
    const tls = { servername: 'x' }
    expect(tlsOption({ tls })).toBe(tls)
    expect(tlsOption({})).toBeUndefined()
    expect(tlsOption({ tls: true }, { or: [true] })).toEqual({})
    expect(tlsOption({ tls: false }, { or: [true, false] })).toBeUndefined()
    expect(() => tlsOption({ tls: false }, { or: [true] })).toThrow(TypeError)
  })
})
