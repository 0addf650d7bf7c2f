import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DefaultTheme } from 'vitepress'
import { publicPackages, readText, root } from '../../scripts/lib/workspace.mjs'
import { apiFolder } from './api-folder.js'

type Item = DefaultTheme.SidebarItem

const group = (text: string, items: readonly Item[], collapsed?: boolean): Item => ({
  text,
  items: [...items],
  ...(collapsed === undefined ? {} : { collapsed }),
})
const page = (text: string, link: string): Item => ({ text, link })

/** The pages of the site in the order in which one reads them. */
export const guideSidebar = (): Item[] => [
  group('Begin', [
    page('What it is', '/'),
    page('Getting started', '/getting-started'),
    page('Choosing a broker', '/choosing-a-broker'),
    page('Examples', '/examples/'),
    page('CommonJS, Bun, Deno', '/runtimes'),
  ]),
  group('Use', [
    page('Publish and subscribe', '/publish-subscribe'),
    page('What is promised', '/delivery'),
    page('Retries and dead letters', '/retries'),
    page('Topics of other programs', '/foreign-topics'),
    page('Tasks', '/tasks'),
    page('Transactions, outbox, inbox', '/transactions'),
    page('Changing a schema', '/changing-a-schema'),
    page('AsyncAPI', '/asyncapi'),
    page('Testing', '/testing'),
    page('Error codes', '/errors'),
  ]),
  group('Come from elsewhere', [
    page('BullMQ', '/from-bullmq'),
    page("NestJS's own queues", '/from-nestjs'),
    page('Celery', '/from-celery'),
    page('amqplib, ioredis, kafkajs', '/from-drivers'),
  ]),
  group('Operate', [
    page('On any broker', '/operating/'),
    page('What to alert on', '/operating/alerts'),
    page('Telemetry', '/operating/telemetry'),
    page('In Kubernetes', '/operating/kubernetes'),
    page('Scaling workers', '/operating/scaling'),
    page('Mails are late: why?', '/operating/page'),
    page('The command', '/operating/command'),
    page('Looking into a group', '/operating/looking'),
    page('Pausing a group', '/operating/pausing'),
    page('Replaying gently', '/operating/replaying'),
    page('Moving to another broker', '/operating/moving'),
    page('RabbitMQ', '/operating/rabbitmq'),
    page('Redis', '/operating/redis'),
    page('PostgreSQL', '/operating/postgres'),
    page('Kafka', '/operating/kafka'),
    page('Memory', '/operating/memory'),
  ]),
  group('Packages', [
    ...publicPackages().map(({ folder, manifest }) => page(manifest.name, `/${folder}`)),
    page('API', '/api/'),
  ]),
  group('Write an adapter', [
    page('The contract', '/adapters/contract'),
    page('A tutorial', '/adapters/tutorial'),
    page('The suite', '/adapters/suite'),
  ]),
  group('The project', [
    page('Tested versions', '/tested-versions'),
    page('Benchmarks', '/benchmarks'),
    page('Contributing', '/contributing'),
    page('Security', '/security'),
    group(
      'Programs',
      [
        page('The demo', '/apps/demo'),
        ...examples(),
        page('Programs of the benchmarks', '/bench'),
        page('Hostile messages', '/fuzz'),
        page('Brokers for tests', '/packages/test-brokers'),
        page('Releases', '/release'),
        page('The site', '/site'),
      ],
      true,
    ),
    group('Decisions', [page('All of them', '/decisions/'), ...decisions()], true),
    group('Faults of drivers', upstream(), true),
  ]),
]

const examples = (): Item[] =>
  readdirSync(join(root, 'docs', 'examples'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && readdirSync(join(entry.parentPath, entry.name)).includes('README.md'))
    .map(({ name }) => page(title(`docs/examples/${name}/README.md`), `/examples/${name}`))

const decisions = (): Item[] =>
  readdirSync(join(root, 'docs', 'decisions'))
    .filter((name) => /^\d/.test(name))
    .map((name) => page(title(`docs/decisions/${name}`), `/decisions/${name.replace(/\.md$/, '')}`))

const upstream = (): Item[] =>
  readdirSync(join(root, 'docs', 'upstream')).map((name) =>
    page(title(`docs/upstream/${name}`), `/upstream/${name.replace(/\.md$/, '')}`),
  )

const title = (path: string): string => /^# (?:\d+\. )?(.*)$/m.exec(readText(path))?.[1] ?? path

interface Entry {
  readonly title: string
  readonly path?: string
  readonly children?: readonly Entry[]
}

/**
 * What typedoc wrote, a sidebar for each entry point: all of them in one would be most of every page.
 */
export function apiSidebars(): Record<string, Item[]> {
  const entries: readonly Entry[] = JSON.parse(readFileSync(join(apiFolder, 'navigation.json'), 'utf8'))
  const others = [
    page('All pages', '/'),
    page('API', '/api/'),
    ...entries.map(({ title, path }) => page(title, apiLink(path))),
  ]
  const each = entries.map(({ title, path, children = [] }): [string, Item[]] => [
    apiLink(path),
    [group(title, [page('Overview', apiLink(path))]), ...children.map(apiItem), group('API', others)],
  ])
  return { '/api/': [group('API', others)], ...Object.fromEntries(each) }
}

const apiLink = (path = ''): string => `/api/${path.replace(/(index)?\.md$/, '')}`

const apiItem = ({ title, path, children }: Entry): Item => ({
  text: title,
  ...(path === undefined ? {} : { link: apiLink(path) }),
  ...(children === undefined ? {} : { items: children.map(apiItem) }),
})
