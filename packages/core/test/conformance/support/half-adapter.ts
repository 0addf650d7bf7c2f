export default () => ({ name: 'half', connect: async () => {} })
