// Run by npx: tells where it has put the programs that it was asked for.
console.log(`PATH=${process.env.PATH}`)
