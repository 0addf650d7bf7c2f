// Users install no development dependencies. Those of the workspace would also stand in another order each time that a package is
// packed, and the same sources would give different tarballs.
const beforePacking = ({ devDependencies: _, ...manifest }) => manifest

module.exports = { hooks: { beforePacking } }
