// Ids as text: ULIDs and UUIDs, their order, and where new ones come from.
//
// A ULID's text sorts as its bytes do, so the text is all that is kept of it.  Nothing here reads a
// clock or draws at random: the caller passes both in.

export const EPOCH = "0".repeat(26);
export const NIL = "00000000-0000-0000-0000-000000000000";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LAST = `7${"Z".repeat(25)}`;

export const isUlid = (text) =>
  typeof text === "string" && /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(text);

export const isUuid = (text) =>
  typeof text === "string" && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);

/** The ULID of a time, in milliseconds since 1970, and ten random bytes. */
export function ulid(milliseconds, bytes) {
  let value = BigInt(milliseconds);
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  let text = "";
  for (let digit = 0; digit < 26; digit += 1) {
    text = ALPHABET[Number(value & 31n)] + text;
    value >>= 5n;
  }
  return text;
}

/** The id drawn, or the next one after the parent: ids grow strictly within a history. */
export function growing(drawn, parent) {
  if (drawn > parent) return drawn;
  if (parent === LAST) throw new RangeError("there is no greater id");
  const digits = [...parent].map((letter) => ALPHABET.indexOf(letter));
  let place = digits.length - 1;
  while (digits[place] === 31) digits[place--] = 0;
  digits[place] += 1;
  return digits.map((digit) => ALPHABET[digit]).join("");
}

/** The UUID, in the form of version 4, of sixteen bytes. */
export function uuid(bytes) {
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0"));
  hex[6] = `4${hex[6][1]}`;
  hex[8] = `${"89ab"[bytes[8] & 3]}${hex[8][1]}`;
  const text = hex.join("");
  return [
    text.slice(0, 8),
    text.slice(8, 12),
    text.slice(12, 16),
    text.slice(16, 20),
    text.slice(20),
  ].join("-");
}

/** The sixteen bytes of a ULID. */
export function ulidBytes(text) {
  let value = [...text].reduce((sum, letter) => sum * 32n + BigInt(ALPHABET.indexOf(letter)), 0n);
  const bytes = [];
  for (let count = 0; count < 16; count += 1, value >>= 8n) bytes.unshift(Number(value & 255n));
  return bytes;
}

/** The sixteen bytes of a UUID. */
export const uuidBytes = (text) =>
  text
    .replaceAll("-", "")
    .match(/../g)
    .map((pair) => Number.parseInt(pair, 16));

/** The hash FNV-1a of a text's UTF-16 units, as 32 bits. */
export function hash(text) {
  let value = 0x811c9dc5;
  for (let place = 0; place < text.length; place += 1) {
    value = Math.imul(value ^ text.charCodeAt(place), 0x01000193);
  }
  return value >>> 0;
}

/** Bytes that look random and depend on a text alone. */
export function bytesOf(seed, count) {
  let value = hash(seed) || 1;
  return Array.from({ length: count }, () => {
    value ^= value << 13;
    value ^= value >>> 17;
    value ^= value << 5;
    return (value >>> 11) & 255;
  });
}
