export type { KeyContext, KeyProvider } from '../contracts/key-provider.ts'
export { generateKeyFile, keyFile, secretKey } from './key-file.ts'
export { passphrase, type PassphraseOptions } from './passphrase.ts'
export { generateRecipient, recipient, type RecipientKeys } from './recipient.ts'
