import { describe, expect, it } from 'vitest'
import { parseCommand } from '../src/args.js'
import { brokerConfig, isEmbedded, shownUrl, withoutSecrets } from '../src/broker.js'

describe('the arguments', () => {
  it.each([
    [[], { kind: 'demo', broker: undefined, port: 0, keep: false }],
    [['--keep', '--port', '3000'], { kind: 'demo', broker: undefined, port: 3000, keep: true }],
    [['--', '--broker=redis://h'], { kind: 'demo', broker: 'redis://h', port: 0, keep: false }],
    [['--help'], { kind: 'help' }],
    [['-h'], { kind: 'help' }],
    [['worker'], { kind: 'worker' }],
  ])('%j are understood', (args, command) => {
    expect(parseCommand(args)).toEqual(command)
  })

  it.each([
    [['--brokr', 'redis://h'], "Unknown option '--brokr'"],
    [['--broker'], "Option '--broker <value>' argument missing"],
    [['--broker', ''], '--broker needs a URL'],
    [['--port', '-1'], "Option '--port' argument is ambiguous"],
    [['--port', 'x'], '--port is a number'],
    [['--port', '65536'], '--port is a number'],
    [['--keep=yes'], "Option '--keep' does not take an argument"],
    [['redis://u:secret@h'], "Unexpected argument 'redis://***@h'"],
    [['worker', '--keep'], "Unexpected argument 'worker'"],
  ])('%j are refused', (args, why) => {
    const command = parseCommand(args)
    expect(command).toMatchObject({ kind: 'wrong', why: expect.stringContaining(why) })
    expect(JSON.stringify(command)).not.toContain('secret')
  })
})

describe('the broker', () => {
  it('is the flag, else MQ_URL, else the embedded one', () => {
    expect(brokerConfig('redis://flag', { MQ_URL: 'redis://env' }).url).toBe('redis://flag')
    expect(brokerConfig(undefined, { MQ_URL: 'redis://env' }).url).toBe('redis://env')
    expect(brokerConfig(undefined, {}).url).toBe('memory:')
    expect(() => brokerConfig('gopher://u:secret@h', {})).toThrow('Unsupported queue type: gopher')
  })

  it('is embedded for memory alone', () => {
    expect(['memory:', 'MEMORY://shared', 'redis://memory:1'].map(isEmbedded)).toEqual([true, true, false])
  })

  it.each([
    'redis://user:secret@host:6379/1',
    'redis://:secret@host',
    'amqp://user:sec/ret@host?password=secret',
    'kafka://user:secret@one:1,user:secret@two:2',
    'redis://user:se@cret#x@host',
    'redis://user:sec?ret@host',
  ])('is shown without what is secret in %s', (url) => {
    expect(shownUrl(url)).toMatch(/^(redis|amqp|kafka):\/\/\*\*\*@(host|two)[:/\d]*$/)
  })

  it('never shows its password in the text of an error', () => {
    const url = 'redis://user:s%40cret@host?token=abc'
    const text = `WRONGPASS for user with s@cret (${url})`
    expect(withoutSecrets(text, url)).not.toMatch(/s@cret|s%40cret|token=abc/)
    expect(withoutSecrets('all is well', 'memory:')).toBe('all is well')
  })
})
