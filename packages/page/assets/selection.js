/** Says how many messages are chosen, and chooses all of a page at once. */
export function showChoice() {
  for (const form of document.querySelectorAll('form[data-choosing]')) {
    const boxes = [...form.querySelectorAll('input[name="entry"]')]
    const all = form.querySelector('[data-choose-all]')
    const text = form.querySelector('[data-chosen]')
    if (all === null || text === null) continue
    const buttons = [...form.querySelectorAll('.bar button')]
    const update = () => {
      const chosen = boxes.filter((box) => box.checked).length
      text.textContent = chosen === 0 ? 'Choose messages for an operation' : `${chosen} chosen`
      all.checked = chosen > 0 && chosen === boxes.length
      all.indeterminate = chosen > 0 && chosen < boxes.length
      for (const button of buttons) button.disabled = chosen === 0
    }
    all.addEventListener('change', () => {
      for (const box of boxes) box.checked = all.checked
      update()
    })
    for (const box of boxes) box.addEventListener('change', update)
    // A browser may restore the boxes after a step back.
    addEventListener('pageshow', update)
    update()
  }
}
