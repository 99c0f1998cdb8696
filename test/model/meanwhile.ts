import type { Prng } from './prng.ts'
import type { PutFate } from './stepped-storage.ts'

/** What the rest of the world does while a backup runs. */
export type MeanwhileEvent = 'write' | 'pause' | 'break' | 'prune'

/** What happens during one attempt, by the numbers of its puts. */
export class Meanwhile {
  readonly rng: Prng
  readonly #events = new Map<number, MeanwhileEvent[]>()
  readonly #end: { readonly n: number; readonly fate: PutFate } | null

  constructor(rng: Prng, mayFail: boolean) {
    this.rng = rng
    for (
      let writes = rng.weighted([
        [3, 0],
        [3, 2],
        [1, 6],
      ] as const);
      writes > 0;
      writes--
    )
      this.#add(rng.int(1, 25), 'write')
    const odd = rng.weighted<MeanwhileEvent | 'fail' | null>([
      [7, null],
      [2, 'pause'],
      [0.7, 'break'],
      [0.7, 'prune'],
      [2.5, 'fail'],
    ])
    const fails = odd === 'fail' && mayFail
    this.#end = fails ? { n: rng.int(2, 40), fate: rng.pick(['fails', 'dies before', 'dies after'] as const) } : null
    if (odd !== null && odd !== 'fail' && (mayFail || odd === 'break')) this.#add(rng.int(3, 15), odd)
  }

  at(n: number): readonly MeanwhileEvent[] {
    return this.#events.get(n) ?? []
  }

  fate(n: number): PutFate {
    return n === this.#end?.n ? this.#end.fate : 'lives'
  }

  #add(n: number, event: MeanwhileEvent): void {
    this.#events.set(n, [...(this.#events.get(n) ?? []), event])
  }
}
