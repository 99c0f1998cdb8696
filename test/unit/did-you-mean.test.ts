import { expect, it } from 'vitest'
import { didYouMean } from '../../src/kernel/did-you-mean.ts'

it.each([
  ['Ordr', ['Customer', 'Order', 'OrderLine'], 'Order'],
  ['order', ['Order'], 'Order'],
  ['ab', ['ba'], 'ba'], // neighbours swapped are one edit
  ['serchText', ['searchText'], 'searchText'],
  ['comprssoin', ['compression'], 'compression'],
  ['Order', ['Border', 'Order'], 'Order'],
  ['Invoice', ['Order', 'Tag'], null],
  ['x', ['yz'], null],
  ['Ordr', [], null],
])('takes %j among %j for %j', (word, known, meant) => {
  expect(didYouMean(word, known)).toBe(meant)
})
