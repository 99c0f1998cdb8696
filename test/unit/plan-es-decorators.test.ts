import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { decoratedShop } from '../fixtures/decorated-shop.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')
let out: string

beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'holdfast-es-'))
  await writeFile(join(out, 'package.json'), '{ "type": "module" }')
  await writeFile(
    join(out, 'tsconfig.json'),
    JSON.stringify({
      extends: join(root, 'tsconfig.json'),
      compilerOptions: {
        rootDir: root,
        outDir: join(out, 'dist'),
        experimentalDecorators: false,
        emitDecoratorMetadata: false,
        declaration: false,
        typeRoots: [join(root, 'node_modules/@types')],
      },
      include: [],
      files: [join(root, 'test/fixtures/decorated-shop-main.ts')],
    }),
  )
})

afterAll(() => rm(out, { recursive: true, force: true }))

it('compiled as ES decorators, the same source gives the same plan', async () => {
  await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', out])
  expect(await readFile(join(out, 'dist/test/fixtures/decorated-shop.js'), 'utf8')).toContain('__esDecorate(')
  const { stdout } = await run(process.execPath, [join(out, 'dist/test/fixtures/decorated-shop-main.js')])
  expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(decoratedShop())))
})
