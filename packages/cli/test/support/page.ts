import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Queue } from '@mq/core'
import { createPage } from '@mq/page'
import { onTestFinished } from 'vitest'

/** Serves the page of a queue, and returns the words that stand on a part of it. */
export async function openPage(queue: Queue): Promise<(path: string) => Promise<string>> {
  const page = createPage(queue)
  const server = createServer(page)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    page.close()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return async (path) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    const html = await response.text()
    const words = html.replace(/^[\s\S]*<main[^>]*>/, '').replace(/<[^>]+>/g, ' ')
    return words.replaceAll('&quot;', '"').replace(/\s+/g, ' ')
  }
}
