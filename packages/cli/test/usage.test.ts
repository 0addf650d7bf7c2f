import { describe, expect, it } from 'vitest'
import { mq } from './support/mq.js'

const nowhere = 'redis://user:geheim@127.0.0.1:1'

describe('mq', () => {
  it.each([
    [['--help'], /^Usage: mq /],
    [['help', 'stats'], /Examples:\n {2}mq stats mail mailer/],
    [['topics', '--help'], /--after <next>[\s\S]*Examples:/],
    [['groups', '--help'], /Examples:/],
    [['waiting', '--help'], /--state <state>[\s\S]*Examples:/],
    [['remove', '--help'], /Examples:/],
    [['run-now', '--help'], /Examples:/],
    [['pause', '--help'], /--by <text>[\s\S]*Examples:/],
    [['resume', '--help'], /Examples:/],
    [['schedules', '--help'], /Examples:/],
    [['dead', 'list', '--help'], /--where <condition>[\s\S]*Examples:/],
    [['dead', 'replay', '--help'], /--rate <number>[\s\S]*Examples:/],
    [['dead', 'purge', '--help'], /Examples:/],
    [['dead', 'show', '--help'], /Examples:/],
    [['tail', '--help'], /--limit <count>[\s\S]*Examples:/],
    [['publish', '--help'], /--delay <duration>[\s\S]*Examples:/],
    [['task', 'run', '--help'], /--timeout <duration>[\s\S]*Examples:/],
    [['task', 'cancel', '--help'], /--store <url>[\s\S]*Examples:/],
    [['task', 'result', '--help'], /Examples:/],
    [['asyncapi', '--help'], /--against <document>[\s\S]*Examples:/],
    [['asyncapi', 'diff', '--help'], /--fail-on <whom>[\s\S]*Examples:/],
    [['migrate', '--help'], /--sql[\s\S]*Examples:/],
    [['--version'], /^\d+\.\d+\.\d+\n$/],
  ])('%j prints help with examples to stdout', async (args, expected) => {
    expect(await mq(args)).toEqual({ code: 0, stdout: expect.stringMatching(expected), stderr: '' })
  })

  it.each([
    [[], 'Usage: mq'],
    [['nonsense'], "unknown command 'nonsense'"],
    [['stats'], "missing required argument 'topic'"],
    [['stats', 't', 'g', '--nonsense'], "unknown option '--nonsense'"],
    [['stats', 't'], 'Which group?'],
    [['stats', 't', 'g', '--watch', '--every', 'soon'], '--every is a duration'],
    [['topics', '--limit', 'all'], '--limit is a whole number from 1'],
    [['waiting', 't', 'g', '--state', 'lost'], '--state is one of'],
    [['waiting', 't'], 'Which group?'],
    [['remove', 't', 'g'], "missing required argument 'entries'"],
    [['remove', 't', 'g', '1-0'], 'give --yes'],
    [['pause', 't'], 'Which group?'],
    [['publish', 't', 'no json'], 'The data is not JSON'],
    [['publish', 't', '1', '--header', 'nothing'], '--header has a name and a value'],
    [['publish', 't', '1', '--delay', '5'], '--delay is a duration'],
    [['tail', 't', '--limit', '0'], '--limit is a whole number from 1'],
    [['dead', 'list', 't', 'g', '--where', 'reason'], '--where compares a field with a value'],
    [['dead', 'list', 't', 'g', '--where', 'colour=red'], '--where knows no such field'],
    [['dead', 'list', 't', 'g', '--where', 'age>soon'], 'a duration such as 2h'],
    [['dead', 'replay', 't', 'g', '--rate', 'fast'], '--rate is a number a second'],
    [['migrate', '--sql', '--from', 'old'], '--from is the number of a version'],
    [['asyncapi'], "missing required argument 'module'"],
    [['asyncapi', 'x.js', '--fail-on', 'all'], '--fail-on is one of any, readers, writers, none'],
    [['asyncapi', 'x.js', '--server', 'redis'], '--server has a name and a URL'],
    [['asyncapi', 'x.js'], 'There is no file x.js'],
    [['asyncapi', 'x.js', '--prefix', 'shop'], '--prefix has a broker and a prefix'],
    [['asyncapi', 'diff', 'one.json'], "missing required argument 'new'"],
    [['asyncapi', 'diff', 'one.json', 'two.json'], 'one.json cannot be read: ENOENT'],
    [['task', 'result', 'id', '--store', 'kafka://x'], '--store is the URL of a Redis'],
  ])('%j is wrong use: exit code 2, and only stderr says why', async (args, text) => {
    const { code, stdout, stderr } = await mq(args, { url: nowhere })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(text)
  })

  it('asks for a URL if there is none, and for a known scheme', async () => {
    expect(await mq(['stats', 't', 'g'])).toMatchObject({ code: 2, stderr: expect.stringContaining('set MQ_URL') })
    const unknown = await mq(['stats', 't', 'g', '--url', 'nats://u:geheim@host'])
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('MQ_INVALID_CONFIG') })
    expect(unknown.stderr).not.toContain('geheim')
  })

  it('says what to install if there is no adapter', async () => {
    const { code, stderr } = await mq(['stats', 't', 'g', '--url', 'memory:'])
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('npm install @mq/memory') })
  })

  it('never shows the password of the URL', async () => {
    const { code, stdout, stderr } = await mq(['stats', 't', 'g'], { url: nowhere })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^mq: MQ_CONNECT_FAILED: .*ECONNREFUSED/)
    expect(stderr).not.toContain('geheim')
  })
})
