import { existsSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { COVERED, MUTANTS } from '../model/mutants/list.ts'

it('every mutant changes a text that stands once in its file', () => {
  const stale = MUTANTS.filter(({ file, from }) => readFileSync(file, 'utf8').split(from).length !== 2)
  expect(stale.map(({ name, from }) => `${name}: ${from}`)).toEqual([])
  expect(MUTANTS.filter(({ from, to }) => from === to)).toEqual([])
})

it('the tests that are to kill a mutant exist', () => {
  const tests = new Set(MUTANTS.flatMap(({ tests: some }) => some))
  expect([...tests].filter((test) => !existsSync(test))).toEqual([])
})

it('only known mutants may survive, and none has the name of another', () => {
  const names = MUTANTS.map(({ name }) => name)
  expect(Object.keys(COVERED).filter((name) => !names.includes(name))).toEqual([])
  expect(new Set(names).size).toBe(names.length)
})
