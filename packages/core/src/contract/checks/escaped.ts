// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g

/**
 * Escapes control characters and the separators of lines. A text that quotes what another program wrote needs it, because texts are
 * shown on terminals and in logs, where such characters forge lines and move the cursor.
 */
export const escapeControls = (text: string): string => text.replace(controls, escaped)

/** Does the same, but leaves the line breaks and tabs of a text that has several lines, such as a stack. */
export const escapeUnlessLines = (text: string): string =>
  text
    .replaceAll('\r\n', '\n')
    .replace(controls, (control) => (control === '\n' || control === '\t' ? control : escaped(control)))

const escaped = (control: string): string => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`
