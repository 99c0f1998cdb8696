import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'

// Compiles adapters/sql/transcoder/assembly to WebAssembly and embeds it in transcoder.generated.ts.
// With --check nothing is written: fails when the committed bytes are not those of the source.

const folder = fileURLToPath(new URL('../adapters/sql/transcoder/', import.meta.url))
const target = `${folder}transcoder.generated.ts`
const wasm = await compile()
const text = [
  '// Made by scripts/build-transcoder.mjs from assembly/*.ts; do not edit.',
  '/** The transcoder as WebAssembly, base64. */',
  `export const TRANSCODER_WASM = '${Buffer.from(wasm).toString('base64')}'`,
  '',
].join('\n')

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== text) {
    console.error('transcoder.generated.ts is not what its source compiles to; run: node scripts/build-transcoder.mjs')
    process.exit(1)
  }
} else {
  writeFileSync(target, text)
  console.log(`transcoder.generated.ts: ${wasm.length} bytes of WebAssembly`)
}

async function compile() {
  let binary
  let said = ''
  const { error } = await asc.main(
    [
      'assembly/index.ts',
      '--outFile',
      'transcoder.wasm',
      '--runtime',
      'stub',
      '--enable',
      'simd',
      '-O3',
      '--converge',
      '--noAssert',
      '--memoryBase',
      '1024', // the control block stands below
      '--initialMemory',
      '1',
      '--use',
      'abort=', // nothing throws; bounds are the host's promise
    ],
    {
      readFile: (name, base) => {
        try {
          return readFileSync(`${base === '.' ? folder : base}/${name}`, 'utf8')
        } catch {
          return null
        }
      },
      writeFile: (_name, contents) => {
        binary = contents
      },
      listFiles: () => [],
      stderr: { write: (text) => (said += text) },
    },
  )
  if (error || !binary) throw new Error(`assemblyscript: ${error?.message ?? 'no output'}\n${said}`)
  return binary
}
