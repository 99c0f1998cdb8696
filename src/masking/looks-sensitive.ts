/** Words of a column's or property's name that mostly mean a person or a secret. */
const WORDS = new Set(
  (
    'email mail phone telephone tel mobile cell fax name firstname lastname surname forename fullname username nickname login iban bic swift account accountno card pan cvv cvc ' +
    'password passwd pass pwd passphrase secret token apikey credential otp pin hash salt ssn sin nin tin vat taxid passport licence license plate address street city zip zipcode postcode postal ' +
    'birth birthday birthdate dob gender sex religion nationality ethnicity ip ipaddress latitude longitude lat lng lon location device imei mac salary income diagnosis signature biometric photo avatar'
  ).split(' '),
)

/** `emailAddress`, `user_name`, `BIRTH_DATE`: does any word of the name say that somebody may be told by it? */
export function looksSensitive(name: string): boolean {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.toLowerCase().replace(/\d+$/, ''))
  return words.some((word) => WORDS.has(word) || (word.endsWith('s') && WORDS.has(word.slice(0, -1)))) || WORDS.has(words.join(''))
}
