import type { AxeResults } from 'axe-core'
import axe from 'axe-core'
import { describe, expect, it } from 'vitest'
import { expectToFit, useBrowser } from '../support/browser.js'
import { openShop, shopPaths } from '../support/shop.js'
import { entriesOf, everything, open } from '../support/site.js'

const { visit } = useBrowser()

const looks = [
  { width: 390, colorScheme: 'light' },
  { width: 390, colorScheme: 'dark' },
  { width: 1280, colorScheme: 'light' },
  { width: 1280, colorScheme: 'dark' },
] as const

describe.each(looks)('each part of the page at $width pixels, $colorScheme', ({ width, colorScheme }) => {
  it('fits the window, and a checker of accessibility finds nothing', { timeout: 180_000 }, async () => {
    const { queue, scheduler } = await openShop()
    const site = await open({ scheduler, allow: everything, authorize: () => ({ name: 'Ada' }) }, queue)
    const list = await site.get('/group?topic=mail&group=mailer&list=dead')
    const [entry = ''] = entriesOf(list.text)
    const place = `topic=mail&group=mailer&list=dead&entry=${entry}`
    const { page, complaints } = await visit(`${site.url}/`, { viewport: { width, height: 844 }, colorScheme })
    for (const path of [...shopPaths, `/message?${place}`, `/edit?${place}`]) {
      await page.goto(`${site.url}${path}`)
      await expectToFit(page)
      await page.evaluate(axe.source)
      const { violations } = (await page.evaluate('axe.run()')) as AxeResults
      const found = violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html }) => html.slice(0, 200)) }))
      expect({ path, found }).toEqual({ path, found: [] })
    }
    // The part that does not exist answers 404, which the browser notes.
    expect(complaints.filter((text) => !text.includes('404'))).toEqual([])
  })
})
