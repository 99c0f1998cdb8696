#!/usr/bin/env node
// Reads a Holdfast repository (archive format 1, plain or encrypted) in a folder, with nothing but Node 22.15 or later: for the day when Holdfast is not at hand.
// TECHNICAL.md, section 6, describes every byte. All that is printed was proved by its hashes first.
//
//   node read-archive.mjs <folder>                                    the snapshots, one JSON object a line
//   node read-archive.mjs <folder> <snapshot>                         its entities
//   node read-archive.mjs <folder> <snapshot> <entity> [<chunks of>]  its records, one a line (NDJSON)
//
// <entity>: its name, or <store>.<name>. <chunks of>: the folder of the entity's bucket, where that is not the one of the manifest.
// An encrypted repository is opened by any one of these in the environment: HOLDFAST_KEY_FILE (path of a key file), HOLDFAST_PASSPHRASE (the text),
// HOLDFAST_RECIPIENT (path of a file that holds the private key, `holdfast-x25519-secret:…`).
// Where only AWS KMS opens it: HOLDFAST_KMS_KEY (ARN or id of the key), with the SDK beside this file (`npm install @aws-sdk/client-kms`), which takes region and credentials from where
// it always does. Keys of any other service this file cannot ask for: wrap them for a key file or a recipient as well, while Holdfast is at hand (`holdfast keys rewrap`).
// HOLDFAST_SCOPE in the environment: the name of a tenant, whose sub-repository is read then; without it what belongs to none.

import { createDecipheriv, createHash, createHmac, createPrivateKey, createPublicKey, diffieHellman, hkdfSync, scryptSync } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { once } from 'node:events'
import { pathToFileURL } from 'node:url'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const CHUNK_NAME = /^[0-9a-f]{64}(\.[1-9][0-9]{0,3})?$/
const MAX_JSON = 64 * 1024 * 1024
const MAX_FRAME = 1024 * 1024 * 1024
/** 64 KiB and a tag. */
const SEGMENT = 64 * 1024 + 16

/**
 * Snapshots that are not hidden, oldest first: their manifests. `keys`: of an encrypted repository, what `keyFile`, `passphrase` and `recipient` give. `tenant`: whose; null: of plans
 * without tenants.
 */
export function* snapshots(folder, keys = [], tenant = null) {
  const repository = openRepository(folder, keys, { tenant })
  const { scope } = repository
  const hidden = new Set(names(join(folder, `${scope}/tombstones`)))
  for (const id of names(join(folder, `${scope}/snapshots`)))
    if (UUID.test(id) && !hidden.has(id) && existsSync(join(folder, `${scope}/snapshots/${id}/manifest`))) yield readManifest(repository, id)
}

export function snapshot(folder, id, keys = [], tenant = null) {
  if (!UUID.test(id)) throw new Error(`${id} is not the id of a snapshot`)
  const repository = openRepository(folder, keys, { tenant })
  if (existsSync(join(folder, `${repository.scope}/tombstones/${id}`))) throw new Error(`snapshot ${id} was deleted`)
  return readManifest(repository, id)
}

/** The lines of an entity in key order, a chunk at a time, each chunk proved as a whole. */
export function* records(folder, manifest, entityName, chunkFolder = folder, keys = []) {
  const found = manifest.entities.filter(({ descriptor: { store, name } }) => name === entityName || `${store}.${name}` === entityName)
  if (found.length !== 1) throw new Error(`${found.length || 'no'} entities are called ${entityName}; there are ${entityNames(manifest).join(', ')}`)
  const repository = openRepository(folder, keys, manifest)
  // The id that the repository of the manifest gives a tenant holds in all others of the plan.
  const chunks = chunkFolder === folder ? repository : openRepository(chunkFolder, keys, manifest)
  const [entity] = found
  let rows = 0
  for (const range of rangesOf(repository, manifest, entity)) {
    if (range.layers.length === 0 && range.rows === 0) continue
    const [base, ...deltas] = range.layers
    const lines = deltas.length === 0 ? readChunk(chunks, base, 'base') : mergeLayers(chunks, base, deltas)
    if (countLines(lines) !== range.rows) throw damaged(base.name, 'its layers do not merge into the records of the range')
    // Null where a delta was layered without the merged lines having been at hand: then the hashes of the layers are the proof.
    if (range.sha256 !== null && sha256(lines) !== range.sha256) throw damaged(base.name, 'its lines are not those of the range')
    if (range.sha256 === null && deltas.length === 0) throw damaged('the manifest', 'a range of one chunk has no hash')
    rows += range.rows
    yield lines
  }
  if (rows !== entity.rows) throw damaged('the manifest', `${rows} rows in its ranges where ${entity.rows} are declared`)
}

/** `scope`: the id of a tenant's sub-repository; without it, that of the `tenant` of this name, a keyed hash (section 6.12). `sealed`: without the keys of the data. */
function openRepository(folder, keys, { tenant = null, scope, sealed = false }) {
  const { sha256: digest, ...facts } = JSON.parse(readFileSync(join(folder, 'repository.json'), 'utf8'))
  if (facts.magic !== 'holdfast') throw new Error(`${folder} holds no repository of Holdfast`)
  if (digest !== sha256(canonicalJson(facts))) throw damaged('repository.json', 'it was altered')
  if (facts.minReader > 1 || needsMore(facts.requiredFeatures) || facts.keys.length > 0) throw new Error('the repository needs a newer reader')
  const repository = { folder, id: facts.repositoryId, root: null, dataKeys: null }
  const encrypted = facts.requiredFeatures.includes('encryption')
  if (encrypted) repository.root = openKeys(repository, 'keys', 'repository', keys).at(-1)
  const secret = encrypted ? repository.root.secret : Buffer.from(facts.tokenSecret ?? '', 'base64')
  repository.idOf = (name) =>
    name === null
      ? null
      : createHmac('sha256', derive(secret, '', 'scope-id'))
          .update(name, 'utf8')
          .digest('hex')
          .slice(0, 32)
  const scopeId = scope === undefined ? repository.idOf(tenant) : scope
  if (scopeId !== null && !/^[0-9a-f]{32}$/.test(scopeId)) throw damaged('the manifest', 'its scope is none')
  Object.assign(repository, { scopeId, scope: `s/${scopeId ?? '-'}` })
  if (scopeId !== null && !existsSync(join(folder, `s/${scopeId}`))) throw new Error(`${folder} holds nothing of that tenant`)
  if (encrypted && !sealed) repository.dataKeys = openKeys(repository, `${repository.scope}/keys`, 'data', keys)
  return repository
}

/** What the object holds. In an encrypted repository it is sealed (section 6.10): another one around it. */
function readObject({ folder, id, dataKeys }, object) {
  const bytes = readFileSync(join(folder, object))
  if (dataKeys === null) return bytes
  const { header, digest, body } = openContainer(object, bytes, 'sealed')
  if (header.repositoryId !== id || header.object !== object) throw damaged(object, 'it was stored elsewhere')
  const key = dataKeys.find(({ keyId }) => keyId === header.encryption.key)
  if (key === undefined || header.encryption.suite !== 'aes-256-gcm') throw new Error(`the key ${header.encryption.key}, which sealed ${object}, is not here`)
  const objectKey = derive(key.secret, Buffer.from(header.encryption.salt, 'base64'), 'object')
  const segments = []
  for (let at = 0, number = 0; at < body.length; at += SEGMENT, number++) {
    const nonce = Buffer.alloc(12)
    nonce.writeUIntBE(number, 5, 6)
    nonce[11] = at + SEGMENT >= body.length ? 1 : 0
    const segment = unseal(objectKey, nonce, body.subarray(at, at + SEGMENT), digest)
    if (segment === null) throw damaged(object, 'it was altered, cut off, or sealed with another key')
    segments.push(segment)
  }
  if (segments.length === 0) throw damaged(object, 'it was cut off')
  return Buffer.concat(segments)
}

/** The keys of a folder, of each epoch the newest wraps, oldest epoch first, each held against its commitment and, of data, against the key of the repository. */
function openKeys(repository, folder, purpose, providers) {
  const latest = new Map()
  for (const name of names(join(repository.folder, folder))) {
    if (name === 'destroyed') throw new Error(`the keys in ${folder} were destroyed: what they sealed can never be read again`)
    if (/^[0-9]{4}\.[0-9]{4}$/.test(name)) latest.set(name.slice(0, 4), name)
  }
  if (latest.size === 0 && purpose === 'repository') throw new Error(`there is no key in ${join(repository.folder, folder)}`)
  return [...latest.values()].map((name) => {
    const object = `${folder}/${name}`
    const { mac, ...record } = parseJsonObject(repository, object, readFileSync(join(repository.folder, object)), 'key')
    if (
      repository.root !== null &&
      mac !==
        createHmac('sha256', derive(repository.root.secret, '', 'ring-mac'))
          .update(canonicalJson(record))
          .digest('hex')
    )
      throw damaged(object, 'it was not made with the key of this repository')
    const scope = purpose === 'data' ? repository.scopeId : null
    if (record.scope !== scope || record.purpose !== purpose) throw damaged(object, 'it is a key of something else')
    const context = Buffer.from(canonicalJson({ keyId: record.keyId, purpose, repositoryId: repository.id, scope }))
    const wraps = record.wraps.map((wrap) => [
      wrap,
      providers.find(({ kind, reference }) => kind === wrap.kind && (!reference || reference === wrap.reference)),
    ])
    const fitting = wraps.filter(([, provider]) => provider)
    if (fitting.length === 0)
      throw new Error(
        `no key was given that opens ${object}: it is wrapped for ${record.wraps.map(({ kind, reference }) => `${kind} ${reference}`).join(', ')}`,
      )
    for (const [{ wrapped }, provider] of fitting) {
      const key = provider.unwrap(Buffer.from(wrapped, 'base64'), context)
      if (key?.length !== 64 || derive(key, record.keyId, 'commitment').toString('hex') !== record.commitment) continue
      return { keyId: record.keyId, secret: key.subarray(0, 32), naming: key.subarray(32) }
    }
    throw new Error(`the key that was given is not the one of ${object}`)
  })
}

/** A key file of `holdfast keys generate`. */
export function keyFile(path) {
  const line = /^holdfast-key-1:([A-Za-z0-9_-]{43})$/m.exec(readFileSync(path, 'utf8').replaceAll('\r', ''))
  if (!line) throw new Error(`${path} holds no Holdfast key`)
  const secret = Buffer.from(line[1], 'base64url')
  const reference = fingerprint(secret)
  return { kind: 'key-file', reference, unwrap: (wrapped, context) => unwrapUnder(secret, 'key-file', wrapped, context) }
}

/** A passphrase. Which of several it is (their names) is tried. */
export function passphrase(text) {
  const stretched = new Map()
  return {
    kind: 'passphrase',
    reference: null,
    unwrap(wrapped, context) {
      const salt = wrapped.toString('hex', 0, 17)
      if (wrapped[0] < 14 || wrapped[0] > 20) return null
      const N = 2 ** wrapped[0]
      if (!stretched.has(salt)) stretched.set(salt, scryptSync(text.normalize('NFKC'), wrapped.subarray(1, 17), 32, { N, r: 8, p: 1, maxmem: N * 2048 }))
      return unwrapUnder(stretched.get(salt), 'passphrase', wrapped.subarray(17), context)
    },
  }
}

/** The private key of an X25519 recipient: `holdfast-x25519-secret:…`. */
export function recipient(text) {
  const raw = Buffer.from(/^holdfast-x25519-secret:([A-Za-z0-9_-]{43})$/.exec(text.trim())?.[1] ?? '', 'base64url')
  if (raw.length !== 32) throw new Error('a key of the form holdfast-x25519-secret:… was expected')
  const privateKey = createPrivateKey({ key: Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), raw]), format: 'der', type: 'pkcs8' })
  const spki = Buffer.from('302a300506032b656e032100', 'hex')
  const point = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(spki.length)
  return {
    kind: 'x25519',
    reference: fingerprint(point),
    unwrap(wrapped, context) {
      const theirs = wrapped.subarray(0, 32)
      const publicKey = createPublicKey({ key: Buffer.concat([spki, theirs]), format: 'der', type: 'spki' })
      const shared = derive(diffieHellman({ privateKey, publicKey }), Buffer.concat([theirs, point]), 'x25519')
      return unseal(shared, Buffer.alloc(12), wrapped.subarray(32), context)
    },
  }
}

/**
 * A key of AWS KMS. What the folders hold of the tenant that it has wrapped is asked of the service beforehand, so that all else goes without waiting.
 * `others`: keys that open the rest.
 */
export async function awsKms(keyId, folders, tenant = null, others = []) {
  const sdk = await import('@aws-sdk/client-kms').catch(() => {
    throw new Error('to ask AWS KMS takes its SDK beside this file: npm install @aws-sdk/client-kms')
  })
  const region = /^arn:[^:]+:kms:([a-z0-9-]+):/.exec(keyId)?.[1]
  const client = new sdk.KMSClient(region ? { region } : {})
  const opened = new Map()
  const provider = { kind: 'aws-kms', reference: keyId, unwrap: (wrapped) => opened.get(wrapped.toString('base64')) ?? null }
  const ask = async (folder, keyFolder, id) => {
    for (const name of names(join(folder, keyFolder)).filter((each) => /^[0-9]{4}\.[0-9]{4}$/.test(each))) {
      const object = `${keyFolder}/${name}`
      const record = parseJsonObject({ id }, object, readFileSync(join(folder, object)), 'key')
      const context = {
        'holdfast:repository': id,
        'holdfast:purpose': record.purpose,
        'holdfast:key': record.keyId,
        ...(record.scope === null ? {} : { 'holdfast:scope': record.scope }),
      }
      for (const { wrapped } of record.wraps.filter(({ kind, reference }) => kind === 'aws-kms' && reference === keyId)) {
        const input = { KeyId: keyId, CiphertextBlob: Buffer.from(wrapped, 'base64'), EncryptionContext: context }
        const { Plaintext } = await client.send(new sdk.DecryptCommand(input)).catch((error) => {
          throw new Error(`AWS KMS did not open ${object}: ${error.name}: ${error.message}`)
        })
        opened.set(wrapped, Buffer.from(Plaintext))
      }
    }
  }
  let scope
  for (const folder of folders) {
    const { repositoryId, requiredFeatures } = JSON.parse(readFileSync(join(folder, 'repository.json'), 'utf8'))
    if (!requiredFeatures.includes('encryption')) continue
    await ask(folder, 'keys', repositoryId)
    // The id that the repository of the manifest gives a tenant holds in all others of the plan.
    scope ??= openRepository(folder, [provider, ...others], { tenant, sealed: true }).scope
    await ask(folder, `${scope}/keys`, repositoryId)
  }
  client.destroy()
  return provider
}

function unwrapUnder(secret, purpose, wrapped, context) {
  return unseal(derive(secret, wrapped.subarray(0, 32), purpose), Buffer.alloc(12), wrapped.subarray(32), context)
}

/** AES-256-GCM, the tag of 16 bytes behind the text; null when anything of it is another. */
function unseal(key, nonce, sealed, additional) {
  if (sealed.length < 16) return null
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 })
  decipher.setAAD(additional).setAuthTag(sealed.subarray(sealed.length - 16))
  const plain = decipher.update(sealed.subarray(0, sealed.length - 16))
  try {
    decipher.final()
    return plain
  } catch {
    return null
  }
}

function derive(secret, salt, purpose) {
  return Buffer.from(hkdfSync('sha256', secret, salt, `holdfast/1/${purpose}`, 32))
}

function fingerprint(bytes) {
  return derive(bytes, '', 'fingerprint').toString('hex', 0, 8)
}

function readManifest(repository, id) {
  const manifest = readJson(repository, `${repository.scope}/snapshots/${id}/manifest`, 'manifest')
  if (manifest.snapshotId !== id || needsMore(manifest.requiredFeatures)) throw new Error(`snapshot ${id} needs a newer reader`)
  if (manifest.scope !== repository.scopeId || repository.idOf(manifest.tenant ?? null) !== manifest.scope)
    throw damaged(`${repository.scope}/snapshots/${id}/manifest`, 'it is that of another tenant')
  return manifest
}

/** In the manifest, or in pages beside it, whose hashes the manifest holds. They follow each other without gap. */
function* rangesOf(repository, manifest, entity) {
  let from = null
  for (const range of pagedRanges(repository, manifest, entity)) {
    if (range.from !== from) throw damaged('the manifest', 'a range does not begin where the one before it ends')
    from = range.to
    yield range
  }
  if (from !== null) throw damaged('the manifest', 'its ranges do not cover all keys')
}

function* pagedRanges(repository, { snapshotId }, { ranges, pages }) {
  yield* ranges ?? []
  for (const { page, storedBytes, storedSha256 } of pages ?? []) {
    const object = `${repository.scope}/snapshots/${snapshotId}/entities/${String(page).padStart(4, '0')}`
    yield* readJson(repository, object, 'entity-page', { storedBytes, storedSha256 }).ranges
  }
}

/** A small object: the container of section 6.3 around JSON. */
function readJson(repository, object, kind, expected) {
  const bytes = readObject(repository, object)
  if (expected) assertStored(object, bytes, expected)
  return parseJsonObject(repository, object, bytes, kind)
}

function parseJsonObject(repository, object, bytes, kind) {
  const { header, body } = openContainer(object, bytes, kind)
  if (sha256(body) !== header.bodySha256) throw damaged(object, 'its body was altered or cut off')
  if (header.repositoryId !== repository.id || header.object !== object) throw damaged(object, 'it was stored elsewhere')
  if (header.plainBytes > MAX_JSON) throw damaged(object, 'it is too large')
  const plain = decompress(object, body, header.compression, header.plainBytes)
  if (sha256(plain) !== header.plainSha256) throw damaged(object, 'its content is not what its header says')
  return JSON.parse(plain.toString('utf8'))
}

/** A chunk: container, frame table, frames (section 6.4). */
function readChunk(repository, ref, kind) {
  const object = chunkObject(repository, ref, 'hfc')
  const bytes = readObject(repository, object)
  assertStored(object, bytes, ref)
  const { header, body } = openContainer(object, bytes, kind)
  const tableEnd = 8 + header.frames * 12
  if (body.readUInt32LE(0) !== 0x184d2a5f || body.readUInt32LE(4) !== tableEnd - 8 + 32) throw damaged(object, 'it has no frame table')
  if (sha256(body.subarray(8, tableEnd)) !== body.toString('hex', tableEnd, tableEnd + 32)) throw damaged(object, 'its frame table was altered')
  const frames = []
  let frameStart = tableEnd + 32
  for (let at = 8; at < tableEnd; at += 12) {
    const [storedBytes, plainBytes, rows] = [body.readUInt32LE(at), body.readUInt32LE(at + 4), body.readUInt32LE(at + 8)]
    if (plainBytes > MAX_FRAME) throw damaged(object, 'a frame is too large')
    const lines = decompress(object, body.subarray(frameStart, frameStart + storedBytes), header.compression, plainBytes)
    if (countLines(lines) !== rows) throw damaged(object, 'a frame does not hold the lines that it declares')
    frames.push(lines)
    frameStart += storedBytes
  }
  const lines = Buffer.concat(frames)
  if (frameStart !== body.length || lines.length !== ref.plainBytes || countLines(lines) !== ref.rows) throw damaged(object, 'its frames do not add up')
  if (sha256(lines) !== ref.sha256 || header.plainSha256 !== ref.sha256) throw damaged(object, 'its lines are not those that were hashed')
  return lines
}

/** Named by the hash of the plain lines, or by an HMAC over that. */
function chunkObject({ dataKeys, scope }, { name, sha256: hash }, ending) {
  const naming = dataKeys?.at(-1)?.naming
  const id = naming
    ? createHmac('sha256', derive(naming, '', 'chunk-names'))
        .update(Buffer.from(hash, 'hex'))
        .digest('hex')
    : hash
  if (!CHUNK_NAME.test(name) || !name.startsWith(id)) throw damaged(name, 'it is not the name of a chunk')
  return `${scope}/chunks/${name.slice(0, 2)}/${name}.${ending}`
}

/** The lines of all layers, merged one after the other (section 6.11). */
function mergeLayers(repository, base, deltas) {
  let records = keyedLines(repository, base, 'base')
  for (const ref of deltas) records = mergeDelta(records, keyedLines(repository, ref, 'delta'), ref.name)
  return Buffer.concat(records.map(({ line }) => line))
}

function mergeDelta(below, delta, name) {
  const known = new Set(below.map(({ text }) => text))
  const changed = new Set()
  const merged = []
  let place = 0
  /** What the place is right behind of: the last record that stays, what was deleted since, what is new. Null: the start of the range. */
  let behind = new Set([null])
  let anchored = false
  const goTo = (key) => {
    for (; place < below.length && below[place].text !== key; place++) {
      merged.push(below[place])
      behind = new Set([below[place].text])
    }
    if (place === below.length) throw damaged(name, `it names key ${key}, which is not there`)
  }
  for (const { text, line } of delta) {
    if (text.startsWith('@')) {
      const key = text === '@null' ? null : text.slice(1)
      anchored = true
      if (behind.has(key)) continue
      goTo(key)
      merged.push(below[place++])
      behind = new Set([key])
      continue
    }
    const deletes = text.startsWith('-')
    const key = deletes ? text.slice(1) : text
    if (changed.has(key) || !(known.has(key) || (anchored && !deletes))) throw damaged(name, `it does not fit the layers below at key ${key}`)
    changed.add(key)
    if (known.has(key)) {
      goTo(key)
      place++
    }
    if (known.has(key) && !deletes) {
      behind = new Set()
      anchored = false
    }
    behind.add(key)
    if (!deletes) merged.push({ text, line })
  }
  return [...merged, ...below.slice(place)]
}

/** Each line of a chunk with the text that the key index has for it (section 6.5). */
function keyedLines(repository, ref, kind) {
  const lines = readChunk(repository, ref, kind)
  const object = chunkObject(repository, ref, 'hfx')
  const bytes = readObject(repository, object)
  assertStored(object, bytes, ref.index)
  const { header, body } = openContainer(object, bytes, 'index')
  const index = decompress(object, body, header.compression, header.plainBytes)
  const [magic, frames, rows, , keyBytes] = [0, 4, 8, 12, 16].map((at) => index.readUInt32LE(at))
  if (header.chunk !== ref.storedSha256 || magic !== 0x31584648 || rows !== ref.rows) throw damaged(object, 'it is not the index of its chunk')
  const lengthsAt = 24 + frames * 44
  const texts = index.toString('utf8', lengthsAt + rows * 4, lengthsAt + rows * 4 + keyBytes).split('\n')
  let start = 0
  return texts.slice(0, rows).map((text, row) => {
    const line = lines.subarray(start, (start += index.readUInt32LE(lengthsAt + row * 4)))
    const control = text.startsWith('[') ? null : `["${text[0]}",${text.slice(1)}]\n`
    if (line.at(-1) !== 0x0a || (control === null ? line[0] !== 0x7b : line.toString() !== control)) throw damaged(object, `line ${row} is another`)
    return { text, line }
  })
}

function openContainer(object, bytes, kind) {
  const length = bytes.length >= 8 && bytes.readUInt32LE(0) === 0x184d2a5e ? bytes.readUInt32LE(4) : 0
  if (length <= 32 || length > 4096 + 32 || bytes.length < 8 + length) throw damaged(object, 'it does not begin like an object of Holdfast')
  const json = bytes.subarray(8, 8 + length - 32)
  const digest = bytes.subarray(8 + length - 32, 8 + length)
  if (sha256(json) !== digest.toString('hex')) throw damaged(object, 'its header was altered')
  const header = JSON.parse(json.toString('utf8'))
  if (header.format !== 1 || needsMore(header.features) || (header.encryption !== null) !== (kind === 'sealed'))
    throw new Error(`${object} needs a newer reader`)
  if (header.kind !== kind) throw damaged(object, `it is of kind ${header.kind}, not ${kind}`)
  return { header, digest, body: bytes.subarray(8 + length) }
}

function assertStored(object, bytes, { storedBytes, storedSha256 }) {
  if (bytes.length !== storedBytes || sha256(bytes) !== storedSha256) throw damaged(object, 'its bytes are not those that were stored')
}

function decompress(object, bytes, compression, plainBytes) {
  const options = { maxOutputLength: Math.max(1, plainBytes) }
  const plain =
    compression === 'zstd' ? zstdDecompressSync(bytes, options) : compression === 'gzip' ? gunzipSync(bytes, options) : compression === 'none' ? bytes : null
  if (plain === null) throw new Error(`${object} needs a newer reader: compression ${compression}`)
  if (plain.length !== plainBytes) throw damaged(object, `${plain.length} plain bytes where ${plainBytes} were declared`)
  return plain
}

function canonicalJson(value) {
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  const members = Object.keys(value).sort()
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name])}`).join(',')}}`
}

/** Features that this reader does not know. `delta`: ranges of several layers. */
function needsMore(features) {
  return features.some((feature) => feature !== 'delta' && feature !== 'encryption')
}

function countLines(bytes) {
  let lines = 0
  for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) lines++
  return lines
}

function names(folder) {
  return existsSync(folder) ? readdirSync(folder).sort() : []
}

function entityNames(manifest) {
  return manifest.entities.map(({ descriptor: { store, name } }) => `${store}.${name}`)
}

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex')
}

function damaged(object, why) {
  return new Error(`${object} is damaged: ${why}`)
}

function* output([folder, id, entity, chunkFolder], keys, tenant) {
  const json = (value) => `${JSON.stringify(value)}\n`
  if (folder === undefined) throw new Error('usage: node read-archive.mjs <folder> [<snapshot> [<entity> [<chunks of>]]]')
  if (id === undefined) {
    for (const { snapshotId, plan, times, consistency, totals } of snapshots(folder, keys, tenant))
      yield json({ snapshot: snapshotId, plan: plan.id, viewAt: times.viewAt, consistency: consistency.level, entities: totals.entities, rows: totals.rows })
    return
  }
  const manifest = snapshot(folder, id, keys, tenant)
  if (entity !== undefined) return yield* records(folder, manifest, entity, chunkFolder, keys)
  for (const { descriptor, bucket, rows, ignored } of manifest.entities)
    yield json({
      store: descriptor.store,
      entity: descriptor.name,
      table: descriptor.table,
      bucket,
      rows,
      fields: descriptor.fields.map(({ path }) => path),
      ignored,
    })
}

/** No secret on the command line, where every user of the machine could read it. */
async function keysFrom(
  { HOLDFAST_KEY_FILE: file, HOLDFAST_PASSPHRASE: text, HOLDFAST_RECIPIENT: secret, HOLDFAST_KMS_KEY: kms },
  [folder, , , chunkFolder],
  tenant,
) {
  const own = [file && keyFile(file), text && passphrase(text), secret && recipient(readFileSync(secret, 'utf8'))].filter(Boolean)
  if (!kms || folder === undefined) return own
  return [...own, await awsKms(kms, chunkFolder === undefined ? [folder] : [folder, chunkFolder], tenant, own)]
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.stdout.on('error', () => process.exit()) // whoever read has gone: `| head`
  try {
    const [parameters, tenant] = [process.argv.slice(2), process.env.HOLDFAST_SCOPE ?? null]
    for (const bytes of output(parameters, await keysFrom(process.env, parameters, tenant), tenant))
      if (!process.stdout.write(bytes)) await once(process.stdout, 'drain')
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}
