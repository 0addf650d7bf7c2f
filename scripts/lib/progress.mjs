const isLive = process.stdout.isTTY === true
const everyMs = isLive ? 1_000 : 10_000

export const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`

/**
 * Shows that a long step is running: a terminal gets one line that counts the seconds, any other output a line every ten seconds.
 * Returns the function that ends the display and returns the milliseconds passed.
 */
export function progress(title) {
  const start = performance.now()
  const passed = () => performance.now() - start
  const tell = () => {
    const line = `… ${title}, ${Math.round(passed() / 1000)} s`
    process.stdout.write(isLive ? `\r\u001b[K${line}` : `${line}\n`)
  }
  if (isLive) tell()
  const timer = setInterval(tell, everyMs)
  return () => {
    clearInterval(timer)
    if (isLive) process.stdout.write('\r\u001b[K')
    return passed()
  }
}
