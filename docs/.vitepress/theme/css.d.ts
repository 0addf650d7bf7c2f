/** Bundled by the site. A second type check from memory would not know it by what VitePress brings. */
declare module '*.css'
