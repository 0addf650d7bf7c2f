const { createScheduler, defineTask, openQueue } = require('@mq/core')

const greet = defineTask({ name: 'greet', execute: ({ name }) => `Hello, ${name}!` })

async function main() {
  const queue = await openQueue('memory:')
  const scheduler = createScheduler(queue)
  await scheduler.register(greet)
  await scheduler.start()
  console.log(await scheduler.run(greet, { name: 'Ada' }))
  await queue.disconnect()
}
main()
