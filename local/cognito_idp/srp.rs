//! Secure Remote Password as Cognito's clients implement it: SRP-6a over the 3072-bit group with
//! SHA-256 and a 16-byte key.
//!
//! Numbers are encoded as the clients encode them (`pad_hex`), which no published SRP crate does.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Context, SHA256, digest};
use aws_lc_rs::hmac;
use num_bigint::BigUint;
use serde::{Deserialize, Serialize};
use sigv4::hex;

/// The 3072-bit prime of RFC 5054, appendix A.
const N: &str = "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF";
/// The most hexadecimal digits of a public value: those of the prime, and a leading zero byte.
const MAX_PUBLIC_DIGITS: usize = N.len() + 2;
/// The length of a salt in bytes.
const SALT: usize = 16;

/// The SRP verifier of a password, which is stored in its place.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Verifier {
    /// In hexadecimal digits.
    salt: String,
    /// In hexadecimal digits.
    verifier: String,
}

/// The server's side of an SRP exchange.
#[derive(Debug)]
pub(super) struct Exchange {
    a_public: BigUint,
    b: BigUint,
    b_public: BigUint,
    verifier: BigUint,
}

/// The client's public value is not a number, or is one that would make the session key known to
/// everybody.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct InvalidPublicValue;

impl Verifier {
    /// Creates the verifier of a user's password, with a new salt.
    pub(crate) fn new(pool: &str, user: &str, password: &str) -> Self {
        Self::with_salt(&random::<SALT>(), pool, user, password)
    }

    /// Creates the verifier of a random password for a user who does not exist. Its salt is derived
    /// from `seed` and the user, so that it is the same each time.
    pub(crate) fn decoy(seed: &[u8], pool: &str, user: &str) -> Self {
        let salt = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, seed),
            user.to_lowercase().as_bytes(),
        );
        Self::with_salt(&salt.as_ref()[..SALT], pool, user, &hex(&random::<SALT>()))
    }

    /// Whether this is the password.
    pub(crate) fn matches(&self, pool: &str, user: &str, password: &str) -> bool {
        let computed = Self::with_salt(&from_hex(&self.salt), pool, user, password).verifier;
        verify_slices_are_equal(self.verifier.as_bytes(), computed.as_bytes()).is_ok()
    }

    /// The salt as a number in hexadecimal digits without leading zeros, because some clients would
    /// hash leading zeros.
    pub(crate) fn salt(&self) -> String {
        BigUint::from_bytes_be(&from_hex(&self.salt)).to_str_radix(16)
    }

    fn with_salt(salt: &[u8], pool: &str, user: &str, password: &str) -> Self {
        let identity = digest(&SHA256, format!("{pool}{user}:{password}").as_bytes());
        let x = hash(&[&pad(&BigUint::from_bytes_be(salt)), identity.as_ref()]);
        let verifier = BigUint::from(2_u8).modpow(&x, &prime());
        Self {
            salt: hex(salt),
            verifier: verifier.to_str_radix(16),
        }
    }
}

impl Exchange {
    /// Starts an exchange with the client's public value in hexadecimal digits.
    pub(super) fn begin(a_hex: &str, verifier: &Verifier) -> Result<Self, InvalidPublicValue> {
        let n = prime();
        let is_hex = a_hex.bytes().all(|digit| digit.is_ascii_hexdigit());
        if !is_hex || a_hex.len() > MAX_PUBLIC_DIGITS {
            return Err(InvalidPublicValue);
        }
        let a_public = BigUint::parse_bytes(a_hex.as_bytes(), 16).ok_or(InvalidPublicValue)?;
        if &a_public % &n == BigUint::ZERO {
            return Err(InvalidPublicValue);
        }
        let verifier =
            BigUint::parse_bytes(verifier.verifier.as_bytes(), 16).ok_or(InvalidPublicValue)?;
        let g = BigUint::from(2_u8);
        let k = hash(&[&pad(&n), &pad(&g)]);
        let b = BigUint::from_bytes_be(&random::<32>());
        let b_public = (k * &verifier + g.modpow(&b, &n)) % &n;
        Ok(Self {
            a_public,
            b,
            b_public,
            verifier,
        })
    }

    /// The server's public value in hexadecimal digits.
    pub(super) fn b_hex(&self) -> String {
        self.b_public.to_str_radix(16)
    }

    /// Whether `signature` of `message` was made by a client that knows the password.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.key());
        hmac::verify(&key, message, signature).is_ok()
    }

    fn key(&self) -> Vec<u8> {
        let n = prime();
        let u = hash(&[&pad(&self.a_public), &pad(&self.b_public)]);
        let shared = (&self.a_public * self.verifier.modpow(&u, &n)).modpow(&self.b, &n);
        let extracted = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &pad(&u)), &pad(&shared));
        let expand = hmac::Key::new(hmac::HMAC_SHA256, extracted.as_ref());
        hmac::sign(&expand, b"Caldera Derived Key\x01").as_ref()[..16].to_vec()
    }
}

fn prime() -> BigUint {
    BigUint::parse_bytes(N.as_bytes(), 16).unwrap_or_default()
}

fn hash(parts: &[&[u8]]) -> BigUint {
    let mut context = Context::new(&SHA256);
    parts.iter().for_each(|part| context.update(part));
    BigUint::from_bytes_be(context.finish().as_ref())
}

/// The bytes of a number, with a leading zero where the first bit is set, so that they are not read
/// as a negative number.
fn pad(number: &BigUint) -> Vec<u8> {
    let mut bytes = number.to_bytes_be();
    if bytes.first().is_some_and(|first| *first >= 0x80) {
        bytes.insert(0, 0);
    }
    bytes
}

fn random<const LENGTH: usize>() -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    // The system's random numbers cannot fail here: the pool's keys were made of them.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    bytes
}

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .filter_map(|at| u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The client's side, as the sources of Cognito's clients compute it.
    fn client_key(
        salt: &str,
        b_hex: &str,
        a: &BigUint,
        a_public: &BigUint,
        user: &str,
        password: &str,
    ) -> Vec<u8> {
        let (n, g) = (prime(), BigUint::from(2_u8));
        let b_public = BigUint::parse_bytes(b_hex.as_bytes(), 16).expect("hex");
        let u = hash(&[&pad(a_public), &pad(&b_public)]);
        let identity = digest(&SHA256, format!("pool{user}:{password}").as_bytes());
        let x = hash(&[
            &pad(&BigUint::parse_bytes(salt.as_bytes(), 16).expect("hex")),
            identity.as_ref(),
        ]);
        let k = hash(&[&pad(&n), &pad(&g)]);
        let base = (&n + b_public - (k * g.modpow(&x, &n)) % &n) % &n;
        let shared = base.modpow(&(a + u.clone() * x), &n);
        let extracted = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &pad(&u)), &pad(&shared));
        hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, extracted.as_ref()),
            b"Caldera Derived Key\x01",
        )
        .as_ref()[..16]
            .to_vec()
    }

    fn exchange(password: &str, tried: &str) -> bool {
        let verifier = Verifier::new("pool", "user", password);
        let a = BigUint::from_bytes_be(&random::<32>());
        let a_public = BigUint::from(2_u8).modpow(&a, &prime());
        let exchange = Exchange::begin(&a_public.to_str_radix(16), &verifier).expect("an exchange");
        let key = client_key(
            &verifier.salt(),
            &exchange.b_hex(),
            &a,
            &a_public,
            "user",
            tried,
        );
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), b"message");
        exchange.verifies(b"message", signature.as_ref())
    }

    #[test]
    fn the_right_password_proves_itself_every_time_and_a_wrong_one_never() {
        for _ in 0..20 {
            assert!(exchange("Correct-Horse-1", "Correct-Horse-1"));
            assert!(!exchange("Correct-Horse-1", "correct-horse-1"));
        }
    }

    #[test]
    fn a_salt_that_begins_with_zeros_is_sent_as_the_number_that_is_hashed() {
        let verifier = Verifier::with_salt(&[0, 1, 2], "pool", "user", "one");
        assert_eq!(verifier.salt(), "102");
        assert!(verifier.matches("pool", "user", "one"));
    }

    #[test]
    fn a_verifier_knows_its_password() {
        let verifier = Verifier::new("pool", "user", "one");
        assert!(
            verifier.matches("pool", "user", "one") && !verifier.matches("pool", "user", "two")
        );
    }

    #[test]
    fn a_public_number_that_is_zero_or_too_long_or_no_number_is_refused() {
        let verifier = Verifier::new("pool", "user", "one");
        let twice = (prime() + prime()).to_str_radix(16);
        let long = "1".repeat(MAX_PUBLIC_DIGITS + 1);
        let padded = format!("00{}2", "0".repeat(N.len() - 1));
        assert!(Exchange::begin(&padded, &verifier).is_ok());
        for a in ["0", "00", N, &twice, "", "xyz", "+2", "1_0", "-2", &long] {
            assert_eq!(
                Exchange::begin(a, &verifier).err(),
                Some(InvalidPublicValue),
                "{a}"
            );
        }
    }

    #[test]
    fn a_user_who_does_not_exist_has_the_same_salt_each_time() {
        let decoy = |seed: &[u8]| Verifier::decoy(seed, "pool", "Nobody").salt();
        assert_eq!(decoy(b"seed"), decoy(b"seed"));
        assert_ne!(decoy(b"seed"), decoy(b"other"));
    }
}
