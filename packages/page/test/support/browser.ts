import { chromium as chromiumPath } from '@mq/test-brokers'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest'

export interface Visit {
  readonly page: Page
  /** What the browser has complained about, and what it has asked other hosts for. */
  readonly complaints: readonly string[]
}

/** Starts a Chromium for the tests of a file. */
export function useBrowser(): { visit: (url: string, options?: BrowserContextOptions) => Promise<Visit> } {
  let browser: Browser
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: await chromiumPath(), args: ['--no-sandbox'] })
  })
  afterAll(() => browser?.close())

  return {
    async visit(url, options = {}) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
      onTestFinished(() => context.close())
      const page = await context.newPage()
      page.setDefaultTimeout(20_000)
      const complaints: string[] = []
      const { origin } = new URL(url)
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
      page.on('pageerror', (error) => complaints.push(String(error)))
      page.on('dialog', (dialog) => {
        complaints.push(`dialog: ${dialog.message()}`)
        void dialog.dismiss()
      })
      page.on('request', (request) => {
        if (!request.url().startsWith(origin)) complaints.push(`asked ${request.url()}`)
      })
      await page.goto(url)
      return { page, complaints }
    },
  }
}

/** Expects that nothing is wider than the window, so that nobody has to scroll sideways. */
export async function expectToFit(page: Page): Promise<void> {
  const widths = await page.evaluate('[document.documentElement.scrollWidth, innerWidth]')
  const [content = 0, window = 0] = widths as number[]
  expect({ url: page.url(), isWider: content > window }).toEqual({ url: page.url(), isWider: false })
}
