// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g

/**
 * Escapes control characters and the separators of lines. A text that quotes what another program wrote needs it, because texts are
 * shown on terminals and in logs, where such characters forge lines and move the cursor.
 */
export const escapeControls = (text: string): string =>
  text.replace(controls, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`)
