/** Creates a bell that ends a wait early. If it rings while nothing waits, the next wait ends at once. */
export function createBell() {
  let isRung = false
  let end = () => {}
  return {
    ring() {
      isRung = true
      end()
    },
    /** @param {number} ms */
    async wait(ms) {
      if (!isRung) {
        await new Promise((resolve) => {
          const timer = setTimeout(resolve, ms)
          end = () => {
            clearTimeout(timer)
            resolve(undefined)
          }
        })
      }
      isRung = false
    },
  }
}
