import { expect, it } from 'vitest'
import { NOTHING, spliceLines } from '../../src/record/index.ts'

const ENTITY = { name: 'Order', fields: [{ path: 'id' }, { path: 'note' }] } as unknown as Parameters<typeof spliceLines>[0]
const line = (id: number, note: string) => `${JSON.stringify({ id, note })}\n`

async function spliced(pieces: readonly string[], splicesOf: Parameters<typeof spliceLines>[2]): Promise<string[]> {
  const out: string[] = []
  const source = (async function* () {
    for (const piece of pieces) yield Buffer.from(piece)
  })()
  for await (const piece of spliceLines(ENTITY, source, splicesOf)) out.push(Buffer.from(piece).toString())
  return out
}

it('replaces values, takes lines out, and leaves the rest as it is', async () => {
  const pieces = [line(1, 'a') + line(2, 'b') + line(3, 'c'), line(4, 'd'), line(5, 'e')]
  const out = await spliced(pieces, ({ start, end, spans, number }) => {
    if (number === 1) return [{ from: spans[2]!, to: spans[3]!, by: Buffer.from('"long text"') }]
    return number === 2 || number === 4 ? [{ from: start, to: end, by: NOTHING }] : []
  })
  expect(out).toEqual([line(1, 'long text') + line(3, 'c'), line(5, 'e')])
})

it('takes several splices of a line', async () => {
  const out = await spliced([line(1, 'a')], ({ spans }) => [
    { from: spans[0]!, to: spans[1]!, by: Buffer.from('7') },
    { from: spans[2]!, to: spans[3]!, by: Buffer.from('"z"') },
  ])
  expect(out).toEqual([line(7, 'z')])
})

it('refuses what is no line of the entity', async () => {
  await expect(spliced(['{"id":1}\n'], () => [])).rejects.toMatchObject({ code: 'E_RECORD' })
})
