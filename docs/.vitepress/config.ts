import { slug } from 'github-slugger'
import { defineConfig } from 'vitepress'
import { repositoryLinks } from '../site/links.js'
import { markNames } from '../site/names.js'
import { repository, siteFile } from '../site/places.js'
import { apiSidebars, guideSidebar } from '../site/sidebar.js'

export default defineConfig({
  title: '@mq',
  description:
    'Message queues and asynchronous tasks for TypeScript: one contract over RabbitMQ, Redis, PostgreSQL and Kafka',
  lang: 'en',
  // The pages are where the repository has them; `siteFile` says where they stand here.
  srcDir: '..',
  srcExclude: ['README.md', '**/CHANGELOG.md', 'packages/*/etc/**', '**/test/**', '**/temp/**', 'coverage/**'],
  rewrites: siteFile,
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  markdown: {
    config(markdown) {
      repositoryLinks(markdown)
      markNames(markdown)
    },
    // As the repository's web view makes them, so that a link to a heading works in both.
    anchor: { slugify: slug },
  },
  // The index of the search is one file, which is loaded when somebody searches.
  vite: { build: { chunkSizeWarningLimit: 4_000 } },
  themeConfig: {
    nav: [
      { text: 'Getting started', link: '/getting-started' },
      { text: 'Tasks', link: '/tasks' },
      { text: 'API', link: '/api/' },
    ],
    sidebar: { '/': guideSidebar(), ...apiSidebars() },
    outline: [2, 3],
    search: { provider: 'local' },
    socialLinks: [{ icon: 'github', link: repository }],
    externalLinkIcon: true,
  },
})
