// Holdfast is developed on the Node that its devDependencies pin. npm puts it first on PATH, unless install scripts were switched off.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 17)) {
  console.error(
    `Node ${process.versions.node} runs this script, but Holdfast needs 22.17 or later.\n` +
      'The `node` package of devDependencies brings it: run `npm ci` with install scripts allowed (no --ignore-scripts), then use `npm run …` or `npm test`.',
  )
  process.exit(1)
}
