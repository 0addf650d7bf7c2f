/** Leads to the search by its key, unless somebody writes. */
export function listenToKeys() {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (event.target.closest('input, textarea, select, [contenteditable]') !== null) return
    const field = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`)
    if (field === null) return
    event.preventDefault()
    field.focus()
    field.select()
  })
}
