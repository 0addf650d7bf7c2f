import { countWords, sentences, withoutCode } from './sentences.mjs'

/** The words that no comment begins with, because such a sentence has no verb or hides its subject. */
const opening = /^(What|Whatever|Who|Whom|Whose|Whoever|Whomever|Of|Where|Wherever|Which|Whichever)\b(?!\?)/

/** Phrases, and what says the same in plain words. */
const phrases = [
  { pattern: /\bnone (is|are|was) given\b/i, better: '"Default: X."' },
  {
    pattern: /\bwhere (nothing|no \w+|not|one|it|they) (is|are|was) (not )?given\b/i,
    better: '"Default: X.", or "if" for a condition',
  },
  { pattern: /\blest\b/i, better: '"so that ... does not", "because otherwise ..."' },
  { pattern: /\bnobody's\b/i, better: 'name the owner, or say that there is none' },
  { pattern: /\bmend(s|ed|ing)?\b/i, better: '"recovers", "repairs" or "fixes"' },
  { pattern: /\b(tell|tells|told|telling) of\b/i, better: '"reports", "emits", "says which"' },
  { pattern: /\bin whatever\b|\bwhatever else\b/i, better: 'a sentence that says which' },
]

/** A problem for each thing in a comment that the rules of English in CONTRIBUTING refuse. Lines count from 0. */
export function commentProblems(text) {
  const first = sentences(text)[0]
  const begins = first === undefined ? null : opening.exec(first.text)
  return [
    ...(begins === null
      ? []
      : [{ line: first.line, problem: `begins with "${begins[0]}"; begin with a verb or a noun`, text: first.text }]),
    ...wordingProblems(text, { maxWords: 30 }),
  ]
}

/** The same for a page of Markdown. */
export const pageProblems = (text) => wordingProblems(withoutFrontMatter(text), { maxWords: 40 })

function wordingProblems(text, { maxWords }) {
  return sentences(text).flatMap(({ line, text: sentence }) => {
    const plain = withoutCode(sentence).replace(/\s+/g, ' ')
    const wrong = phrases.find(({ pattern }) => pattern.test(plain))
    const count = countWords(sentence)
    return [
      ...(wrong === undefined
        ? []
        : [{ line, problem: `"${wrong.pattern.exec(plain)[0]}"; better: ${wrong.better}`, text: sentence }]),
      ...(count > maxWords
        ? [{ line, problem: `${count} words in a sentence, ${maxWords} are the limit and 25 the aim`, text: sentence }]
        : []),
    ]
  })
}

/** With its lines left empty, so that those after it keep their numbers. */
const withoutFrontMatter = (text) =>
  text.replace(/^---\n[\s\S]*?\n---\n/, (head) => '\n'.repeat(head.split('\n').length - 1))
