import { describe, expect, it } from 'vitest'
import { splitLines } from '../../src/record/line-splitter.ts'

async function lines(chunks: Uint8Array[], options = {}): Promise<{ line: number; text: string }[]> {
  const found: { line: number; text: string }[] = []
  for await (const batch of splitLines(chunks, options)) {
    let start = 0
    for (const [at, end] of batch.ends.entries()) {
      found.push({ line: batch.firstLine + at, text: Buffer.from(batch.bytes.subarray(start, end)).toString() })
      start = end
    }
    expect(start).toBe(batch.bytes.length)
  }
  return found
}

describe('splitLines', () => {
  it('splits on 0x0A only: not at U+2028, U+2029, U+0085, 0x0D, 0x0B or 0x0C', async () => {
    const odd = '"a\u2028b\u2029c\u0085d\re\vf\fg"\n'
    expect(await lines([Buffer.from(`${odd}"second"\n`)])).toEqual([
      { line: 1, text: odd },
      { line: 2, text: '"second"\n' },
    ])
  })

  it('gives the same lines however the stream is cut', async () => {
    const bytes = Buffer.from('{"a":"é\u2028"}\n{"b":2}\n\n{"c":3}\n')
    const whole = await lines([bytes])
    for (let size = 1; size <= bytes.length; size++) {
      const chunks: Uint8Array[] = []
      for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size))
      expect(await lines(chunks)).toEqual(whole)
    }
  })

  it('yields nothing for an empty stream', async () => {
    expect(await lines([])).toEqual([])
    expect(await lines([new Uint8Array(0)])).toEqual([])
  })

  it('case 35: refuses a stream that does not end with a line break, naming the line', async () => {
    await expect(lines([Buffer.from('1\n2\n3')])).rejects.toMatchObject({ code: 'E_RECORD', details: { line: 3 } })
  })

  it('refuses a line over the limit, in one piece or many, without holding more than the limit', async () => {
    const long = Buffer.from(`${'x'.repeat(10)}\n`)
    await expect(lines([Buffer.from('1\n'), long], { maxLineBytes: 10 })).rejects.toMatchObject({ code: 'E_RECORD', details: { line: 2 } })
    await expect(
      lines(
        [...long].map((byte) => Uint8Array.of(byte)),
        { maxLineBytes: 10 },
      ),
    ).rejects.toMatchObject({ code: 'E_RECORD' })
    expect(await lines([long], { maxLineBytes: 11 })).toHaveLength(1)
    const endless = (function* () {
      for (;;) yield Buffer.alloc(1024, 0x61)
    })()
    await expect(async () => {
      for await (const _ of splitLines(endless, { maxLineBytes: 4096 })) throw new Error('no line was expected')
    }).rejects.toMatchObject({ code: 'E_RECORD' })
  })

  it('stops when its signal aborts', async () => {
    await expect(lines([Buffer.from('1\n')], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'E_ABORTED' })
  })
})
