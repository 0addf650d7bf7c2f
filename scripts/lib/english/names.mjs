import ts from 'typescript'

/** The names that a file declares and that say least or most in place of min or max, each with its line. */
export function nameProblems(source) {
  const found = []
  const visit = (node) => {
    if (isDeclaration(node) && node.name !== undefined && isName(node.name) && isRefused(node.name.text)) {
      const line = source.getLineAndCharacterOfPosition(node.name.getStart(source)).line + 1
      found.push({ line, problem: `${node.name.text}: names say min and max, not least and most` })
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

const isRefused = (name) => /^[#_]?(least|most)([A-Z_\d]|$)|^(LEAST|MOST)_|(?<!at|At)(Least|Most)$/.test(name)

const isName = (node) => ts.isIdentifier(node) || ts.isPrivateIdentifier(node) || ts.isStringLiteral(node)

const isDeclaration = (node) =>
  ts.isVariableDeclaration(node) ||
  ts.isBindingElement(node) ||
  ts.isParameter(node) ||
  ts.isFunctionLike(node) ||
  ts.isPropertySignature(node) ||
  ts.isPropertyDeclaration(node) ||
  ts.isPropertyAssignment(node) ||
  ts.isShorthandPropertyAssignment(node) ||
  ts.isClassLike(node) ||
  ts.isInterfaceDeclaration(node) ||
  ts.isTypeAliasDeclaration(node) ||
  ts.isEnumMember(node)
