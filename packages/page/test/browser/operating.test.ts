import { describe, expect, it } from 'vitest'
import { useBrowser } from '../support/browser.js'
import { openShop } from '../support/shop.js'
import { die, everything, open, openQueue, until } from '../support/site.js'

const { visit } = useBrowser()
const dead = '/group?topic=mail&group=mailer&list=dead'

describe('in a browser', () => {
  it('the overview leads to a group, and both change while they are open', async () => {
    const { queue, scheduler } = await openShop()
    const site = await open({ scheduler }, queue)
    const { page, complaints } = await visit(`${site.url}/`)
    const row = page.getByRole('row', { name: /invoice billing/ })
    await row.getByText('60', { exact: true }).waitFor()
    await queue.publish('invoice', { invoice: 61 })
    await row.getByText('61', { exact: true }).waitFor()
    await page.getByText('Live', { exact: true }).waitFor()

    await page.getByRole('link', { name: /billing/ }).click()
    await page.getByRole('heading', { name: 'billing' }).waitFor()
    await queue.publish('invoice', { invoice: 62 })
    await page.locator('#count-ready', { hasText: '62' }).waitFor()
    await page.locator('.uplot canvas').waitFor()
    expect(complaints).toEqual([])
  })

  it('dead letters are chosen and replayed', async () => {
    const { queue, scheduler } = await openShop()
    const site = await open({ scheduler, allow: everything }, queue)
    const { page, complaints } = await visit(`${site.url}${dead}`)
    const replay = page.getByRole('button', { name: 'Replay', exact: true })
    expect(await replay.isDisabled()).toBe(true)
    await page.getByLabel('Choose all messages of this page').check()
    await page.getByText('3 chosen').waitFor()
    await page
      .getByRole('checkbox', { name: /Choose / })
      .nth(1)
      .uncheck()
    await page.getByText('2 chosen').waitFor()
    await replay.click()
    await page.getByText('2 dead letters were replayed.').waitFor()
    expect(complaints).toEqual([])
  })

  it('a long replay shows how far it is, and is broken off', async () => {
    const queue = await openQueue()
    await die(
      queue,
      Array.from({ length: 100 }, (_, at) => ({ at })),
    )
    const site = await open({ allow: everything }, queue)
    const { page, complaints } = await visit(`${site.url}/group?topic=t&group=g`)
    await page.getByRole('link', { name: 'Replay all …' }).click()
    await page.getByRole('heading', { name: 'Replay 100 dead letters?' }).waitFor()
    await page.getByLabel('How many a second').fill('10')
    await page.getByRole('button', { name: 'Replay' }).click()
    await page.getByText(/[1-9]\d* replayed/).waitFor()
    const before = Number(await page.locator('#job progress').getAttribute('value'))
    await until(async () => Number(await page.locator('#job progress').getAttribute('value')) > before)
    await page.getByRole('button', { name: 'Break it off' }).click()
    await page.getByText('stopped').waitFor()
    const { ready = 0, dead: left = 0 } = await queue.stats('t', 'g')
    expect({ all: ready + left, isPart: left > 0 }).toEqual({ all: 100, isPart: true })
    expect(complaints).toEqual([])
  })

  it('a purge is asked and done by the keyboard alone', async () => {
    const { queue, scheduler } = await openShop()
    const site = await open({ scheduler, allow: everything }, queue)
    const { page } = await visit(`${site.url}${dead}`)
    const { keyboard } = page
    const tabTo = async (isThere: string): Promise<void> => {
      for (let at = 0; at < 60; at += 1) {
        await keyboard.press('Tab')
        if (await page.evaluate(`document.activeElement?.matches(${JSON.stringify(isThere)})`)) return
      }
      throw new Error(`The focus never came to ${isThere}`)
    }
    await keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the content')
    await keyboard.press('Enter')
    await tabTo('a.button.bad')
    await keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Purge 3 dead letters?' }).waitFor()
    await tabTo('button.bad')
    await keyboard.press('Enter')
    await page.getByText('3 purged').waitFor()
    expect((await queue.stats('mail', 'mailer')).dead).toBe(0)
  })

  it('the key / leads to the search, and a search finds', async () => {
    const { queue, scheduler } = await openShop()
    const site = await open({ scheduler }, queue)
    const { page } = await visit(`${site.url}${dead}`)
    await page.keyboard.press('/')
    await page.keyboard.type('bruno1')
    await page.keyboard.press('Enter')
    await page.waitForURL(/text=bruno1/)
    expect(await page.locator('.entries tbody tr').count()).toBe(1)
    await page.getByRole('link', { name: 'Show all' }).click()
    await page.waitForURL((url) => !url.search.includes('text'))
    expect(await page.locator('.entries tbody tr').count()).toBe(3)
  })

  it('a group is paused and resumed', async () => {
    const { queue, scheduler } = await openShop()
    const site = await open({ scheduler, allow: everything, authorize: () => ({ name: 'Ada' }) }, queue)
    const { page, complaints } = await visit(`${site.url}/group?topic=invoice&group=billing`)
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByText(/paused .* by Ada/).waitFor()
    expect((await queue.stats('invoice', 'billing')).paused?.by).toBe('Ada')
    await page.getByRole('button', { name: 'Resume' }).click()
    await page.getByText('The group goes on.').waitFor()
    expect((await queue.stats('invoice', 'billing')).paused).toBeUndefined()
    expect(complaints).toEqual([])
  })

  it('a dead letter is edited, and its copy sent', async () => {
    const { queue, scheduler } = await openShop()
    const site = await open({ scheduler, allow: everything }, queue)
    const { page } = await visit(`${site.url}${dead}`)
    await page.locator('a.message').first().click()
    await page.getByRole('link', { name: 'Edit and send …' }).click()
    await page.getByLabel('Data, as JSON').fill('{ "to": ')
    await page.getByRole('button', { name: 'Send the copy' }).click()
    await page.getByText(/This is not JSON/).waitFor()
    await page.getByLabel('Data, as JSON').fill('{ "to": "ada@example.com" }')
    await page.getByRole('button', { name: 'Send the copy' }).click()
    await page.getByText('The changed copy was sent.').waitFor()
    await until(async () => (await queue.stats('mail', 'mailer')).dead === 2)
  })

  it('a page that reads only offers no operation', async () => {
    const { queue, scheduler } = await openShop()
    const site = await open({ scheduler }, queue)
    const { page } = await visit(`${site.url}${dead}`)
    await page.getByText('Reading only').waitFor()
    for (const name of [/Replay/, /Purge/, /Pause/]) expect(await page.getByRole('button', { name }).count()).toBe(0)
    expect(await page.getByRole('checkbox').count()).toBe(0)
  })

  it('somebody who may not see the page sees that, and nothing else', async () => {
    const { queue } = await openShop()
    const site = await open({ authorize: () => false }, queue)
    const { page } = await visit(`${site.url}/`)
    expect(await page.locator('body').textContent()).toMatch(/You may not/)
    expect(await page.content()).not.toMatch(/mail|billing/)
  })

  it('nothing that comes from a message is run or shown as markup', async () => {
    const queue = await openQueue()
    const script = `<img src=x onerror="alert(1)"><script>alert(2)</script>`
    const subscription = await queue.subscribe(
      't',
      () => {
        throw new Error(script)
      },
      { group: 'g' },
    )
    await queue.publish('t', { [script]: script }, { id: `"><svg onload=alert(3)>${'i'.repeat(200)}`, key: script })
    await until(async () => (await queue.stats('t', 'g')).dead === 1)
    await subscription.stop()
    const site = await open({ allow: everything }, queue)
    const { page, complaints } = await visit(`${site.url}/group?topic=t&group=g`)
    await page.getByText('Live', { exact: true }).waitFor()
    await page.locator('a.message').click()
    await page.getByText('Why it failed').waitFor()
    expect(await page.locator('main img, main script, main svg').count()).toBe(0)
    expect(complaints).toEqual([])
  })
})
