//! The pool's RSA keys. They are generated at the start and, where a file is given, stored for
//! later runs.

use std::path::Path;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::atomic_file;

/// A key for ID tokens and a key for access tokens, as a pool of Cognito has.
#[derive(Debug)]
pub(super) struct Keys {
    pub id: Key,
    pub access: Key,
}

#[derive(Debug)]
pub(super) struct Key {
    kid: String,
    pair: KeyPair,
}

/// The file of the keys.
#[derive(Debug, Serialize, Deserialize)]
struct StoredKeys {
    id: StoredKey,
    access: StoredKey,
}

/// A key in the file.
#[derive(Debug, Serialize, Deserialize)]
struct StoredKey {
    kid: String,
    /// The private key in the form PKCS #8, as base64.
    pkcs8: String,
}

impl Keys {
    /// The keys of an earlier run; new ones if there is no file yet, which is written then.
    pub(super) fn open(file: Option<&Path>) -> Result<Self, String> {
        let failed = |_| "no RSA keys could be made".to_owned();
        let Some(file) = file else {
            return Self::generate().map_err(failed);
        };
        if file.exists() {
            let StoredKeys { id, access } = atomic_file::read_json(file)?;
            let invalid = || format!("{}: a key cannot be read: remove the file", file.display());
            return Ok(Self {
                id: Key::restore(id).ok_or_else(invalid)?,
                access: Key::restore(access).ok_or_else(invalid)?,
            });
        }
        let keys = Self::generate().map_err(failed)?;
        let stored = StoredKeys {
            id: keys.id.store().map_err(failed)?,
            access: keys.access.store().map_err(failed)?,
        };
        atomic_file::write_json(file, &stored)
            .map_err(|error| format!("{}: {error}", file.display()))?;
        Ok(keys)
    }

    /// Generates both keys in parallel, because each takes long.
    fn generate() -> Result<Self, Unspecified> {
        std::thread::scope(|scope| {
            let id = scope.spawn(Key::generate);
            let access = Key::generate()?;
            Ok(Self {
                id: id.join().map_err(|_| Unspecified)??,
                access,
            })
        })
    }

    /// The JWK set of both public keys.
    pub(super) fn jwks(&self) -> Value {
        json!({ "keys": [self.id.jwk(), self.access.jwk()] })
    }
}

impl Key {
    pub(super) fn generate() -> Result<Self, Unspecified> {
        let pair = KeyPair::generate(KeySize::Rsa2048)?;
        let mut id = [0; 32];
        aws_lc_rs::rand::fill(&mut id)?;
        Ok(Self {
            kid: STANDARD.encode(id),
            pair,
        })
    }

    fn store(&self) -> Result<StoredKey, Unspecified> {
        let der: Pkcs8V1Der = self.pair.as_der()?;
        Ok(StoredKey {
            kid: self.kid.clone(),
            pkcs8: STANDARD.encode(der.as_ref()),
        })
    }

    fn restore(stored: StoredKey) -> Option<Self> {
        let der = STANDARD.decode(stored.pkcs8).ok()?;
        Some(Self {
            kid: stored.kid,
            pair: KeyPair::from_pkcs8(&der).ok()?,
        })
    }

    /// Signs claims as a compact JWS with the header that Cognito writes, which has no `typ`.
    pub(super) fn sign(&self, claims: &Value) -> Result<String, Unspecified> {
        let header = format!(r#"{{"kid":"{}","alg":"RS256"}}"#, self.kid);
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            signed.as_bytes(),
            &mut signature,
        )?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The claims of a token, if this key has signed it.
    pub(super) fn verify(&self, token: &str) -> Option<Value> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let read = |segment: &str| {
            serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(segment).ok()?).ok()
        };
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.pair.public_key());
        let is_ours =
            read(header)?["alg"] == "RS256" && key.verify(signed.as_bytes(), &signature).is_ok();
        if is_ours { read(payload) } else { None }
    }

    fn jwk(&self) -> Value {
        let public = self.pair.public_key();
        let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({
            "alg": "RS256",
            "e": number(public.exponent().big_endian_without_leading_zero()),
            "kid": self.kid,
            "kty": "RSA",
            "n": number(public.modulus().big_endian_without_leading_zero()),
            "use": "sig",
        })
    }
}
