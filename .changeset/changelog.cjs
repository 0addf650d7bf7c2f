// How a changelog reads: the sentence of each changeset, and which versions of our other packages are needed with it.

module.exports = {
  async getReleaseLine({ summary }) {
    const [first, ...others] = summary.trim().split('\n')
    return [`- ${first}`, ...others.map((line) => (line === '' ? '' : `  ${line}`))].join('\n')
  },
  async getDependencyReleaseLine(_changesets, updated) {
    return updated.map(({ name, newVersion }) => `- Goes with \`${name}\` ${newVersion}.`).join('\n')
  },
}
