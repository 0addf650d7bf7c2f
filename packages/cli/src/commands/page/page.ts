import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createScheduler, type Queue } from '@mq/core'
import type { Command } from 'commander'
import { CommandFailure, exitCode, usageFailure } from '../../exit-codes.js'
import type { Session } from '../../session.js'
import { loadPackage } from '../load-package.js'
import type { Register } from '../register.js'
import { openStore } from '../task/store.js'
import { createGuard } from './guard.js'

type PagePackage = typeof import('@mq/page')

const operations = ['replay', 'edit', 'purge', 'pause', 'remove', 'runNow', 'cancel'] as const

interface Options {
  readonly port: string
  readonly host: string
  readonly allow?: string
  readonly store?: string
}

export const page: Register = (program, run) => {
  program
    .command('page')
    .description('serve a page for people, until Ctrl-C')
    .option('--port <number>', 'the port; 0 takes any that is free', '8585')
    .option('--host <address>', 'the address to listen on', '127.0.0.1')
    .option('--allow <operations>', `what the page may do, as in replay,pause; all for everything (default: nothing)`)
    .option(
      '--store <url>',
      'the store of the tasks, a Redis or a PostgreSQL (default: MQ_STORE_URL, or the queue if it is one)',
    )
    .addHelpText('after', help)
    .action(
      run(async (session, command: Command) => {
        const { port, host, allow, store } = command.opts<Options>()
        await servePage(session, { port: readPort(port), host, allow: readAllow(allow), store })
      }),
    )
}

const help = `
The page reads only, unless --allow says more: ${operations.join(', ')}.
Only those who have the link can open it. It needs the package @mq/page beside this command: npm install @mq/page

Examples:
  mq page
  mq page --allow replay,pause
  mq page --allow all --port 0`

interface ServeOptions {
  readonly port: number
  readonly host: string
  readonly allow: Readonly<Record<string, boolean>>
  readonly store: string | undefined
}

async function servePage(session: Session, { port, host, allow, store: givenStore }: ServeOptions): Promise<void> {
  const { screen, options, signal } = session
  const { createPage } = await loadPackage<PagePackage>('@mq/page', 'The page')
  const serve = async (queue: Queue): Promise<void> => {
    const store = await openStore(session, givenStore)
    const scheduler = store === undefined ? undefined : createScheduler(queue, { store })
    const { token, authorize } = createGuard()
    const view = createPage(queue, { allow, authorize, scheduler })
    const server = createServer(view)
    try {
      await listening(server, { port, host })
      const url = `http://${host.includes(':') ? `[${host}]` : host}:${(server.address() as AddressInfo).port}/?token=${token}`
      await (options.json ? screen.json({ url }) : screen.line(url))
      screen.note('mq: the page is at this link; Ctrl-C ends it')
      if (!signal.aborted) await once(signal, 'abort')
    } finally {
      view.close()
      server.close()
      server.closeAllConnections()
      await store?.disconnect()
    }
  }
  await session.withQueue(serve, { isWatching: true })
}

async function listening(server: Server, { port, host }: Pick<ServeOptions, 'port' | 'host'>): Promise<void> {
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    throw new CommandFailure(exitCode.failed, `The page cannot listen on ${host}:${port}: ${(error as Error).message}`)
  }
}

function readPort(text: string): number {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw usageFailure('--port is a number from 0 to 65535')
  return port
}

function readAllow(text: string | undefined): Readonly<Record<string, boolean>> {
  const names = text === 'all' ? operations : (text ?? '').split(',').filter((name) => name !== '')
  const unknown = names.find((name) => !operations.includes(name as never))
  if (unknown !== undefined) throw usageFailure(`--allow knows ${operations.join(', ')} and all, and no '${unknown}'`)
  return Object.fromEntries(names.map((name) => [name, true]))
}
