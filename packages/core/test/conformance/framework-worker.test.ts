import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { child, workspaceNode } from '../../../test-brokers/src/child.js'
import { identify } from '../../../test-brokers/src/run/process.js'
import { sleep, until } from '../../src/conformance/kit/wait.js'
import type { WorkerProgram } from '../../src/conformance/subject.js'
import { startWorkerProcess } from '../../src/conformance/worker/spawn.js'

const folder = mkdtempSync(join(tmpdir(), 'mq-worker-'))
afterAll(() => rmSync(folder, { recursive: true }))

let made = 0

function programOf(fields: Partial<WorkerProgram> = {}, options: Readonly<Record<string, boolean>> = {}) {
  const pids = join(folder, String(made++))
  const program: WorkerProgram = {
    adapter: new URL('support/pid-adapter.ts', import.meta.url).href,
    options: { pids, ...options },
    ref: { topic: 't', group: 'g' },
    concurrency: 1,
    handler: 'handle',
    ...fields,
  }
  return { program, pid: () => Number(readFileSync(pids, 'utf8')) }
}

const isAlive = (pid: number): boolean => identify(pid) !== undefined

describe('a worker process', () => {
  it('reports when it is ready, when a run starts and when it has ended', async () => {
    const { program, pid } = programOf()
    const worker = await startWorkerProcess(program, workspaceNode)
    await until('a message to be handled', () => worker.events.some(({ type }) => type === 'handled'))
    expect(worker.events.filter(({ type }) => type !== 'ready')).toEqual([
      { type: 'started', id: 'waiting', attempt: 1 },
      { type: 'handled', id: 'waiting', attempt: 1 },
    ])
    expect(pid()).not.toBe(process.pid)
    await worker.kill()
  }, 30_000)

  it('has ended once kill has resolved, and may be killed twice', async () => {
    const { program, pid } = programOf({ handler: 'hang' })
    const worker = await startWorkerProcess(program, workspaceNode)
    await until('the handler to hang', () => worker.events.some(({ type }) => type === 'started'))
    expect(isAlive(pid())).toBe(true)
    await worker.kill()
    expect(isAlive(pid())).toBe(false)
    await worker.exited
    await worker.kill()
    expect(worker.events.map(({ type }) => type)).not.toContain('handled')
  }, 30_000)

  it('ends inside a handler that crashes', async () => {
    const { program, pid } = programOf({ handler: 'crash' })
    const worker = await startWorkerProcess(program, workspaceNode)
    await worker.exited
    expect(worker.events.at(-1)).toEqual({ type: 'started', id: 'waiting', attempt: 1 })
    expect(isAlive(pid())).toBe(false)
  }, 30_000)

  it('stands still between pause and resume, and can be killed meanwhile', async () => {
    const { program, pid } = programOf({ afterMs: 200 })
    const worker = await startWorkerProcess(program, workspaceNode)
    const types = (): readonly string[] => worker.events.map(({ type }) => type)
    await until('a message to be started', () => types().includes('started'))
    await worker.pause()
    await sleep(600)
    expect(types()).not.toContain('handled')
    await worker.resume()
    await until('the message to be handled', () => types().includes('handled'))
    await worker.pause()
    await worker.kill()
    expect(isAlive(pid())).toBe(false)
  }, 30_000)

  it('holds its event loop in a handler that blocks', async () => {
    const { program } = programOf({ handler: 'block', afterMs: 300 })
    const worker = await startWorkerProcess(program, workspaceNode)
    await until('the message to be handled', () => worker.events.some(({ type }) => type === 'handled'))
    await worker.kill()
  }, 30_000)

  it('reports a failed run neither as handled nor as aborted, and an aborted one as aborted', async () => {
    const failing = await startWorkerProcess(programOf({ handler: 'fail' }).program, workspaceNode)
    const losing = await startWorkerProcess(programOf({ handler: 'hang' }, { loses: true }).program, workspaceNode)
    await until('the loss', () => losing.events.some(({ type }) => type === 'aborted'))
    expect(losing.events.at(-1)).toEqual({ type: 'aborted', id: 'waiting', attempt: 1 })
    const types = new Set(failing.events.map(({ type }) => type))
    expect([...types].sort()).toEqual(['ready', 'started'])
    await Promise.all([failing.kill(), losing.kill()])
  }, 30_000)

  it('that cannot start is an error with its output', async () => {
    const { program } = programOf({}, { breaks: true })
    await expect(startWorkerProcess(program, workspaceNode)).rejects.toThrow(
      /ended before it was ready. It printed:\n(.|\n)*this one never connects/,
    )
  }, 30_000)

  it('ends when the process that started it is killed', async () => {
    const { program, pid } = programOf({ handler: 'hang' })
    const started = JSON.stringify({ program, node: workspaceNode })
    const parent = await child<string>(new URL('support/worker-parent.ts', import.meta.url), { args: [started] })
    await parent.waitFor((reports) => reports.includes('ready'), { what: 'the worker to be ready', timeoutMs: 30_000 })
    expect(isAlive(pid())).toBe(true)
    await parent.kill()
    await until('the worker to end', () => !isAlive(pid()))
  }, 60_000)
})
