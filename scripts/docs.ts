import { readFileSync, writeFileSync } from 'node:fs'
import { azureBlobStorage } from '../adapters/azure-blob/index.ts'
import { fsStorage } from '../adapters/fs/index.ts'
import { gcsStorage } from '../adapters/gcs/index.ts'
import { memoryStorage } from '../adapters/memory/index.ts'
import { s3Storage } from '../adapters/s3/index.ts'
import { EXIT_CODE_OF, EXIT_CODES } from '../src/cli/exit-codes.ts'
import type { AdapterCapabilities, StorageAdapter } from '../src/contracts/index.ts'
import { ERRORS } from '../src/kernel/errors.ts'

/**
 * Writes the parts of README.md and TECHNICAL.md that the code knows better, between `<!-- generated:name -->` and `<!-- /generated -->`.
 * With `--check` it writes nothing and fails where text and code differ.
 */
const blocks: Readonly<Record<string, () => string>> = {
  errors: () =>
    [
      '| code | what happened | way out | retryable |',
      '|---|---|---|---|',
      ...Object.entries(ERRORS).map(([code, { summary, hint, retryable }]) => `| \`${code}\` | ${summary} | ${hint} | ${retryable ? 'yes' : 'no'} |`),
    ].join('\n'),
  'exit-codes': () =>
    [
      '| exit | meaning | errors |',
      '|---|---|---|',
      ...Object.entries(EXIT_CODES).map(([exit, meaning]) => {
        const codes = Object.entries(EXIT_CODE_OF).filter(([, code]) => String(code) === exit)
        return `| ${exit} | ${meaning} | ${codes.map(([code]) => `\`${code}\``).join(', ')} |`
      }),
    ].join('\n'),
  capabilities: () =>
    capabilityMatrix({
      'holdfast/fs': fsStorage({ root: '.' }),
      'holdfast/s3': s3Storage({ bucket: 'any' }),
      'holdfast/azure-blob': azureBlobStorage({ connectionString: 'UseDevelopmentStorage=true', container: 'any' }),
      'holdfast/gcs': gcsStorage({ bucket: 'any' }),
      'holdfast/memory': memoryStorage(),
    }),
  'quick-start': () => `\`\`\`ts\n${readFileSync(new URL('../samples/quick-start/main.ts', import.meta.url), 'utf8').trimEnd()}\n\`\`\``,
}

function capabilityMatrix(adapters: Readonly<Record<string, StorageAdapter>>): string {
  const names = Object.keys(adapters)
  const capabilities = Object.keys(Object.values(adapters)[0]!.capabilities) as (keyof AdapterCapabilities)[]
  const cell = (value: boolean | number) => (typeof value === 'boolean' ? (value ? 'yes' : '–') : value.toLocaleString('en'))
  return [
    `| capability | ${names.map((name) => `\`${name}\``).join(' | ')} |`,
    `|---|${names.map(() => '---').join('|')}|`,
    ...capabilities.map((capability) => `| \`${capability}\` | ${names.map((name) => cell(adapters[name]!.capabilities[capability])).join(' | ')} |`),
    `| free space (\`quota\`) | ${names.map((name) => cell(adapters[name]!.quota !== undefined)).join(' | ')} |`,
  ].join('\n')
}

const check = process.argv.includes('--check')
let stale = 0
for (const file of ['README.md', 'TECHNICAL.md']) {
  const url = new URL(`../${file}`, import.meta.url)
  const before = readFileSync(url, 'utf8')
  const after = before.replace(/(<!-- generated:([a-z-]+) -->\n)[\s\S]*?(<!-- \/generated -->)/g, (_, open: string, name: string, close: string) => {
    const block = blocks[name]
    if (!block) throw new Error(`${file}: there is no generated block "${name}"`)
    return `${open}${block()}\n${close}`
  })
  if (after === before) continue
  if (check) {
    stale++
    console.error(`${file} is not what the code says; run \`npm run docs\``)
  } else {
    writeFileSync(url, after)
    console.log(`wrote ${file}`)
  }
}
if (stale > 0) process.exit(1)
