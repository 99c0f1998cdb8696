export type { KeyContext, KeyProvider } from '../contracts/key-provider.ts'
export { generateKeyFile, keyFile, secretKey } from './key-file.ts'
export { passphrase, type PassphraseOptions } from './passphrase.ts'
export { generateRecipient, generateRecipientFile, recipient, recipientFile, type RecipientKeys } from './recipient.ts'
