import type { Prng } from '../../model/prng.ts'

type Path = readonly (string | number)[]

/** Values that a parser may stumble over, wherever they stand. */
export const NASTY: readonly unknown[] = [
  null,
  -1,
  0,
  1,
  0.5,
  2 ** 31,
  2 ** 32,
  Number.MAX_SAFE_INTEGER,
  1e308,
  '',
  '__proto__',
  'constructor',
  '../x',
  '[1]',
  'base',
  'delta',
  '0'.repeat(64),
  'x'.repeat(300),
  '\u0000',
  '\ud800',
  true,
  false,
  [],
  {},
  [[[[]]]],
  { length: 1e9 },
]

/** Gives values that differ from the sound one in one to three places: replaced, removed or doubled. */
export function valueMutator(sound: unknown): (prng: Prng) => unknown {
  const text = JSON.stringify(sound)
  const paths: Path[] = []
  const collect = (part: unknown, path: Path): void => {
    if (path.length > 0) paths.push(path)
    if (typeof part === 'object' && part !== null)
      for (const [name, member] of Object.entries(part)) collect(member, [...path, Array.isArray(part) ? Number(name) : name])
  }
  collect(sound, [])
  return (prng) => {
    const copy = JSON.parse(text) as unknown
    for (let edits = prng.int(1, 3); edits > 0; edits--) editAt(copy, prng.pick(paths), prng)
    return copy
  }
}

function editAt(root: unknown, path: Path, prng: Prng): void {
  let parent: unknown = root
  for (const step of path.slice(0, -1)) parent = typeof parent === 'object' && parent !== null ? (parent as Record<string | number, unknown>)[step] : undefined
  if (typeof parent !== 'object' || parent === null) return
  const last = path.at(-1)!
  const members = parent as Record<string | number, unknown>
  const how = prng.pick(['replace', 'replace', 'near', 'remove', 'double'])
  if (how === 'replace') members[last] = structuredClone(prng.pick(NASTY))
  else if (how === 'near') members[last] = near(members[last], prng)
  else if (Array.isArray(parent)) parent.splice(Number(last), how === 'remove' ? 1 : 0, ...(how === 'double' ? [parent[Number(last)]] : []))
  else Reflect.deleteProperty(parent, last)
}

/** Almost the same: what a schema lets pass, and only a rule behind it finds. */
function near(value: unknown, prng: Prng): unknown {
  if (typeof value === 'number') return value + prng.pick([-1, 1, 256, 0.5])
  if (typeof value !== 'string' || value === '') return value
  const at = prng.int(0, value.length - 1)
  return value.slice(0, at) + String.fromCharCode(prng.int(32, 126)) + value.slice(at + prng.int(0, 1))
}

/** Bytes of which some are changed, cut out, put in, or moved; or that end early. */
export function mutateBytes(sound: Uint8Array, prng: Prng): Buffer {
  let bytes = Buffer.from(sound)
  for (let edits = prng.int(1, 4); edits > 0; edits--) {
    const at = prng.int(0, bytes.byteLength)
    switch (prng.int(0, 5)) {
      case 0:
        if (at < bytes.byteLength) bytes[at]! ^= 1 << prng.int(0, 7)
        break
      case 1:
        if (at < bytes.byteLength) bytes[at] = prng.int(0, 255)
        break
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + prng.int(1, 8))])
        break
      case 3:
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          Buffer.from(prng.pick(['ffffffff', '00000080', '00000000', '7f', '5e2a4d18'] as const), 'hex'),
          bytes.subarray(at),
        ])
        break
      case 4:
        if (at + 4 <= bytes.byteLength) bytes.writeUInt32LE(prng.pick([0, 1, 0xff, 0xffff, 2 ** 31, 2 ** 32 - 1]), at)
        break
      default:
        bytes = bytes.subarray(0, at)
    }
  }
  return bytes
}

export function mutateText(sound: string, prng: Prng): string {
  return prng.chance(0.5)
    ? mutateBytes(Buffer.from(sound), prng).toString('latin1')
    : String(near(prng.chance(0.5) ? sound : sound.split('.').reverse().join('.'), prng))
}
