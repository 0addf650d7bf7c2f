export type Row = Readonly<Record<string, string>>

/** Reads a table as the command prints it. No cell may be empty. */
export function rows(text: string): readonly Row[] {
  const cellsOf = (line: string): readonly string[] => line.trim().split(/ {2,}/)
  const [head = '', ...lines] = text.trimEnd().split('\n')
  const names = cellsOf(head)
  return lines.map((line) => Object.fromEntries(cellsOf(line).map((cell, at) => [names[at] ?? '', cell])))
}
