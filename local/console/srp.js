// Signs a user in by Secure Remote Password, as Cognito's clients do: SRP-6a over the 3,072-bit group of RFC 5054 with SHA-256.
const N = BigInt('0xFFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF');
const g = 2n;

/** Signs in with the function that sends a request to the user pool, and returns the last output. */
export async function signInBySrp(cognito, poolName, username, password) {
  if (!crypto.subtle) throw Object.assign(new Error('the browser computes it at localhost only: open the console there'), { name: 'SRP' });
  const a = numberOf(crypto.getRandomValues(new Uint8Array(32)));
  const A = power(g, a);
  const challenge = await cognito('InitiateAuth', { AuthFlow: 'USER_SRP_AUTH', AuthParameters: { USERNAME: username, SRP_A: A.toString(16) } });
  const { SALT, SRP_B, SECRET_BLOCK, USER_ID_FOR_SRP } = challenge.ChallengeParameters;
  const key = await sessionKey(a, A, BigInt(`0x${SRP_B}`), BigInt(`0x${SALT}`), `${poolName}${USER_ID_FOR_SRP}:${password}`);
  const timestamp = timestampOf(new Date());
  const block = Uint8Array.from(atob(SECRET_BLOCK), (char) => char.charCodeAt(0));
  const signature = await hmac(key, concat(encode(poolName + USER_ID_FOR_SRP), block, encode(timestamp)));
  return cognito('RespondToAuthChallenge', {
    ChallengeName: challenge.ChallengeName,
    ChallengeResponses: {
      USERNAME: USER_ID_FOR_SRP,
      PASSWORD_CLAIM_SECRET_BLOCK: SECRET_BLOCK,
      PASSWORD_CLAIM_SIGNATURE: btoa(String.fromCharCode(...signature)),
      TIMESTAMP: timestamp,
    },
  });
}

async function sessionKey(a, A, B, salt, identity) {
  const u = await hashed(bytesOf(A), bytesOf(B));
  const x = await hashed(bytesOf(salt), await sha256(encode(identity)));
  const k = await hashed(bytesOf(N), bytesOf(g));
  const shared = power((N + B - ((k * power(g, x)) % N)) % N, a + u * x);
  const extracted = await hmac(bytesOf(u), bytesOf(shared));
  return (await hmac(extracted, encode('Caldera Derived Key\u0001'))).slice(0, 16);
}

function power(base, exponent) {
  let result = 1n;
  for (let square = base % N; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * square) % N;
    square = (square * square) % N;
  }
  return result;
}

/** The bytes of a number, with a leading zero where the first bit is set. */
function bytesOf(number) {
  let hex = number.toString(16);
  if (hex.length % 2) hex = `0${hex}`;
  if (/^[89a-f]/.test(hex)) hex = `00${hex}`;
  return Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
}

function numberOf(bytes) {
  return bytes.reduce((number, byte) => number * 256n + BigInt(byte), 0n);
}

async function hashed(...parts) {
  return numberOf(await sha256(concat(...parts)));
}

async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}

async function hmac(key, message) {
  const imported = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, message));
}

function concat(...parts) {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  parts.reduce((at, part) => { joined.set(part, at); return at + part.length; }, 0);
  return joined;
}

function encode(text) {
  return new TextEncoder().encode(text);
}

/** For example `Sat Aug 1 09:05:03 UTC 2026`. */
function timestampOf(date) {
  const [weekday, day, month, year, time] = date.toUTCString().replace(',', '').split(' ');
  return `${weekday} ${month} ${Number(day)} ${time} UTC ${year}`;
}
