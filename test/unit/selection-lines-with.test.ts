import { describe, expect, it } from 'vitest'
import { linesWith } from '../../src/selection/lines-with.ts'

async function found(pieces: readonly string[], texts: readonly string[]): Promise<string[]> {
  const lines: string[] = []
  async function* given() {
    for (const piece of pieces) yield Buffer.from(piece)
  }
  for await (const line of linesWith(
    given(),
    texts.map((text) => Buffer.from(text)),
  ))
    lines.push(line.toString())
  return lines
}

describe('lines with a text', () => {
  it('are given once each, in order, from all pieces', async () => {
    const pieces = ['{"a":1,"b":2}\n{"a":2,"b":1}\n{"a":3,"b":3}\n', '{"a":1,"b":1}\n']
    expect(await found(pieces, ['"b":1', '"a":1'])).toEqual(['{"a":1,"b":2}\n', '{"a":2,"b":1}\n', '{"a":1,"b":1}\n'])
    expect(await found(pieces, ['"a":3'])).toEqual(['{"a":3,"b":3}\n'])
    expect(await found(pieces, ['"a":4'])).toEqual([])
    expect(await found([], ['"a":4'])).toEqual([])
  })
})
