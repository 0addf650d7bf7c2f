// The pages that findings refer to.
const page = 'https://github.com/mq-js/mq/blob/main/docs/operating/kafka.md'
export const before = `${page}#before-the-first-message`
export const rights = 'https://github.com/mq-js/mq/blob/main/packages/kafka/README.md#rights'
