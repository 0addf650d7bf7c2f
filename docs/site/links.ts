import { relative, sep } from 'node:path'
import type { MarkdownRenderer } from 'vitepress'
import { root } from '../../scripts/lib/workspace.mjs'
import { siteLink } from './places.js'

/** Turns links between files of the repository into links between pages. One that leads nowhere stays, and fails the build. */
export function repositoryLinks(markdown: MarkdownRenderer): void {
  markdown.core.ruler.push('repository-links', ({ tokens, env }) => {
    const from = relative(root, env.realPath ?? env.path).replaceAll(sep, '/')
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const href = token.attrGet('href')
      if (token.type !== 'link_open' || href === null || /^([a-z]+:|[/#])/.test(href)) continue
      token.attrSet('href', siteLink(href, from) ?? href)
    }
  })
}
