export { type DataKey, chunkNameOf, commitmentOf, keyBytes, keyFrom, newDataKey } from './data-key.ts'
export { derive } from './derive.ts'
export { openSegments, openSpan, plainLength, sealedLength, sealSegments, segmentSpan } from './segments.ts'
