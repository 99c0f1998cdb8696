import { corrupt, sha256, tooNew } from '../archive/index.ts'
import { assertObjectKey } from '../contracts/object-key.ts'
import { isHoldfastError } from '../kernel/errors.ts'

/**
 * A bundle is the objects of a small repository, one behind the other, and at the end a directory of them:
 *
 * ```
 * head       16 bytes "holdfast bundle\n" · u32 format, 1 · u32 0
 * entries    u32 "HFB1" · u32 bytes of the name · u64 bytes of the body · 32 bytes SHA-256 of the body · name · body
 * directory  of each entry, in the same order: u32 bytes of the name · u64 offset of the body · u64 bytes of the body · 32 bytes SHA-256 · name
 * tail       u64 offset of the directory · u64 bytes of it · u32 entries · 32 bytes SHA-256 of head and directory · "HFBEND1\n"
 * ```
 *
 * Integers are little-endian. It is written from front to back, and read by the directory.
 */
export interface BundleEntry {
  readonly name: string
  /** Of the body, from the beginning of the file. */
  readonly offset: number
  readonly bytes: number
  /** Hex, of the body. */
  readonly sha256: string
}

const HEAD_TEXT = 'holdfast bundle\n'
const TAIL_TEXT = 'HFBEND1\n'
const FORMAT = 1
const ENTRY_MAGIC = 0x31424648
const ENTRY_FIXED_BYTES = 48
const LISTED_FIXED_BYTES = 52
const MAX_NAME_BYTES = 1024
/** What a reader takes into memory; a bundle of several TiB stays below it. */
const MAX_DIRECTORY_BYTES = 256 * 1024 * 1024

export const HEAD_BYTES = 24
export const TAIL_BYTES = 60

export function encodeHead(): Buffer {
  const head = Buffer.alloc(HEAD_BYTES)
  head.write(HEAD_TEXT, 0, 'latin1')
  head.writeUInt32LE(FORMAT, 16)
  return head
}

/** What stands before a body. */
export function encodeEntryHead(name: string, bytes: number, digest: string): Buffer {
  const head = Buffer.alloc(ENTRY_FIXED_BYTES)
  head.writeUInt32LE(ENTRY_MAGIC, 0)
  head.writeUInt32LE(name.length, 4)
  head.writeBigUInt64LE(BigInt(bytes), 8)
  head.write(digest, 16, 'hex')
  return Buffer.concat([head, Buffer.from(name, 'latin1')])
}

/** Directory and tail. */
export function encodeEnd(entries: readonly BundleEntry[], directoryOffset: number): Buffer {
  const directory = Buffer.concat(entries.map(encodeListed))
  if (directory.byteLength > MAX_DIRECTORY_BYTES) throw new RangeError(`a directory of ${directory.byteLength} bytes`)
  const tail = Buffer.alloc(TAIL_BYTES)
  tail.writeBigUInt64LE(BigInt(directoryOffset), 0)
  tail.writeBigUInt64LE(BigInt(directory.byteLength), 8)
  tail.writeUInt32LE(entries.length, 16)
  tail.write(sha256([encodeHead(), directory]), 20, 'hex')
  tail.write(TAIL_TEXT, 52, 'latin1')
  return Buffer.concat([directory, tail])
}

function encodeListed({ name, offset, bytes, sha256: digest }: BundleEntry): Buffer {
  const listed = Buffer.alloc(LISTED_FIXED_BYTES)
  listed.writeUInt32LE(name.length, 0)
  listed.writeBigUInt64LE(BigInt(offset), 4)
  listed.writeBigUInt64LE(BigInt(bytes), 12)
  listed.write(digest, 20, 'hex')
  return Buffer.concat([listed, Buffer.from(name, 'latin1')])
}

/** Is it a bundle, and one that this version reads? `E_ARCHIVE_CORRUPT`, `E_ARCHIVE_FORMAT`. */
export function decodeHead(head: Buffer, file: string): void {
  if (head.byteLength < HEAD_BYTES || head.toString('latin1', 0, 16) !== HEAD_TEXT) throw corrupt(file, 'is no bundle of Holdfast')
  const format = head.readUInt32LE(16)
  if (format > FORMAT) throw tooNew(file, `bundle format ${format}; this Holdfast reads format ${FORMAT}`)
  if (format !== FORMAT || head.readUInt32LE(20) !== 0) throw corrupt(file, 'its head was altered')
}

export interface BundleTail {
  readonly directoryOffset: number
  readonly directoryBytes: number
  readonly entries: number
  readonly sha256: string
}

/** `fileBytes`: of the whole file, which must end with its tail. */
export function decodeTail(tail: Buffer, fileBytes: number, file: string): BundleTail {
  if (tail.byteLength < TAIL_BYTES || tail.toString('latin1', 52, TAIL_BYTES) !== TAIL_TEXT) throw corrupt(file, 'was cut off: it does not end like a bundle')
  const directoryOffset = tail.readBigUInt64LE(0)
  const directoryBytes = tail.readBigUInt64LE(8)
  if (directoryBytes > MAX_DIRECTORY_BYTES) throw corrupt(file, `declares a directory of ${directoryBytes} bytes`)
  if (directoryOffset + directoryBytes + BigInt(TAIL_BYTES) !== BigInt(fileBytes)) throw corrupt(file, 'its parts do not add up to its size')
  return {
    directoryOffset: Number(directoryOffset),
    directoryBytes: Number(directoryBytes),
    entries: tail.readUInt32LE(16),
    sha256: tail.toString('hex', 20, 52),
  }
}

/** The entries by name, each proved to lie where the one before it ends; names are those of objects, and each is there once. */
export function decodeDirectory(directory: Buffer, tail: BundleTail, file: string): ReadonlyMap<string, BundleEntry> {
  if (directory.byteLength !== tail.directoryBytes || sha256([encodeHead(), directory]) !== tail.sha256) throw corrupt(file, 'its directory was altered')
  const entries = new Map<string, BundleEntry>()
  let at = 0
  let end = HEAD_BYTES
  while (at < directory.byteLength) {
    if (at + LISTED_FIXED_BYTES > directory.byteLength) throw corrupt(file, 'its directory ends inside an entry')
    const nameBytes = directory.readUInt32LE(at)
    const nameAt = at + LISTED_FIXED_BYTES
    if (nameBytes > MAX_NAME_BYTES || nameAt + nameBytes > directory.byteLength) throw corrupt(file, 'has an entry with too long a name')
    const name = directory.toString('latin1', nameAt, nameAt + nameBytes)
    assertName(name, file)
    const offset = directory.readBigUInt64LE(at + 4)
    const bytes = directory.readBigUInt64LE(at + 12)
    if (offset !== BigInt(end + ENTRY_FIXED_BYTES + nameBytes)) throw corrupt(file, `${name} does not begin where the entry before it ends`)
    if (offset + bytes > BigInt(tail.directoryOffset)) throw corrupt(file, `${name} goes beyond the end of the entries`)
    if (entries.has(name)) throw corrupt(file, `has ${name} twice`)
    end = Number(offset + bytes)
    entries.set(name, { name, offset: Number(offset), bytes: Number(bytes), sha256: directory.toString('hex', at + 20, at + LISTED_FIXED_BYTES) })
    at = nameAt + nameBytes
  }
  if (end !== tail.directoryOffset || entries.size !== tail.entries) throw corrupt(file, 'its directory does not list all of it')
  return entries
}

/** A name never leads to a file of its own; it must all the same be one that a repository can have. */
function assertName(name: string, file: string): void {
  try {
    assertObjectKey(name, { maxKeyBytes: MAX_NAME_BYTES })
  } catch (error) {
    if (!isHoldfastError(error, 'E_STORAGE_KEY')) throw error
    throw corrupt(file, `has an entry that is named like no object: ${JSON.stringify(name.slice(0, 200))}`, error)
  }
}
