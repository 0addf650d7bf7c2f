import type { ComponentChildren } from 'preact'
import { renderToString } from 'preact-render-to-string'
import { assetsVersion, styleNames } from '../assets.js'
import { linkTo } from '../http/address.js'
import { operations } from '../options.js'
import { visible } from '../text/visible.js'
import type { Frame, Shell } from './frame.js'
import { Health } from './health.js'

interface LayoutProps {
  readonly frame: Frame
  readonly shell: Shell
  readonly children: ComponentChildren
}

/** Renders a whole page. Everything that is put into it is escaped. */
export const renderPage = (frame: Frame, shell: Shell, children: ComponentChildren): string =>
  `<!doctype html>${renderToString(
    <Layout frame={frame} shell={shell}>
      {children}
    </Layout>,
  )}`

function Layout({ frame, shell, children }: LayoutProps) {
  const { base, title } = frame
  const asset = (name: string): string => `${base}/assets/${assetsVersion()}/${name}`
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`${shell.heading} · ${title}`}</title>
        <link rel="icon" href={asset('icon.svg')} />
        {styleNames.map((name) => (
          <link key={name} rel="stylesheet" href={asset(name)} />
        ))}
        <script type="module" src={asset('page.js')} />
      </head>
      <body data-live={shell.live === undefined ? undefined : `${base}/events?${shell.live}`}>
        <a class="skip" href="#content">
          Skip to the content
        </a>
        <Top frame={frame} shell={shell} asset={asset} />
        <main id="content" tabindex={-1}>
          {children}
        </main>
      </body>
    </html>
  )
}

function Top({ frame, shell, asset }: Omit<LayoutProps, 'children'> & { readonly asset: (name: string) => string }) {
  const { base, title } = frame
  const link = (path: string, name: Shell['here'], text: string) => (
    <a href={linkTo(base, path)} aria-current={shell.here === name ? 'page' : undefined}>
      {text}
    </a>
  )
  return (
    <header class="top">
      <a class="brand" href={linkTo(base, '/')}>
        <img src={asset('icon.svg')} alt="" width="24" height="24" />
        {title}
      </a>
      <nav aria-label="Parts of the page">
        {link('/', 'overview', 'Overview')}
        {link('/tasks', 'tasks', 'Tasks')}
        {link('/schedules', 'schedules', 'Schedules')}
      </nav>
      <div class="about">
        <Who frame={frame} />
        <span class="chip">
          <span id="health">
            <Health health={frame.health} broker={frame.broker} />
          </span>
        </span>
        <span class="chip live" id="live" role="status" hidden>
          Live
        </span>
      </div>
    </header>
  )
}

function Who({ frame: { viewer } }: { readonly frame: Frame }) {
  const isReader = !operations.some((operation) => viewer.may(operation))
  if (viewer.name === undefined && !isReader) return null
  return (
    <span class="chip">
      {viewer.name === undefined ? '' : visible(viewer.name)}
      {viewer.name !== undefined && isReader ? ' · ' : ''}
      {isReader ? 'Reading only' : ''}
    </span>
  )
}
