import { renderToString } from 'preact-render-to-string'
import { visible } from '../text/visible.js'
import type { Frame } from './frame.js'
import { renderPage } from './layout.js'

const headings: Readonly<Record<number, string>> = {
  400: 'This is not right',
  403: 'You may not do this',
  404: 'There is nothing here',
  408: 'This took too long',
  409: 'This is not possible now',
  413: 'This is too much',
  503: 'This is not possible now',
}

/** A page that says why a request was not carried out, for somebody who may see the page. */
export const renderRefused = (frame: Frame, status: number, text: string): string => {
  const heading = headings[status] ?? 'This did not work'
  return renderPage(
    frame,
    { heading, here: 'other' },
    <div class="title alone">
      <h1>{heading}</h1>
      <p class="lead">{visible(text)}</p>
    </div>,
  )
}

/** The same for somebody who may not. It names nothing of the broker, and loads nothing. */
export const renderOutside = (status: number, text: string): string =>
  `<!doctype html>${renderToString(
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{String(status)}</title>
      </head>
      <body>
        <main>
          <h1>{headings[status] ?? 'This did not work'}</h1>
          <p>{visible(text)}</p>
        </main>
      </body>
    </html>,
  )}`
