//! The pool's RSA keys. They are generated at the start and are never stored.

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

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

impl Keys {
    /// Generates both keys in parallel, because each takes long.
    pub(super) fn generate() -> Result<Self, Unspecified> {
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
