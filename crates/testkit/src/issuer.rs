//! An issuer of tokens: its keys, the server that publishes them, and its tokens.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{self, KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::endpoint::{Endpoint, Script, Step};
use crate::http::last_answer;

/// An issuer on loopback, whose documents can be changed.
#[derive(Debug)]
pub struct Issuer {
    /// As it stands in `iss`.
    pub url: String,
    endpoint: Endpoint,
    documents: Mutex<BTreeMap<String, String>>,
}

/// The path of the discovery document.
pub const DISCOVERY: &str = "/.well-known/openid-configuration";
/// The path of the keys.
pub const JWKS: &str = "/jwks";

impl Issuer {
    /// Starts an issuer with these keys.
    pub async fn publishing(keys: &[Value]) -> Self {
        let endpoint = Endpoint::start(Script::new([Step::Hold])).await;
        let url = format!("http://localhost:{}", endpoint.address.port());
        let issuer = Self {
            url,
            endpoint,
            documents: Mutex::default(),
        };
        issuer.publish(DISCOVERY, &issuer.discovery());
        issuer.publish(JWKS, &json!({ "keys": keys }));
        issuer
    }

    /// The discovery document that leads to the keys.
    pub fn discovery(&self) -> Value {
        json!({ "issuer": self.url, "jwks_uri": format!("{}{JWKS}", self.url) })
    }

    /// Replaces the document at a path.
    pub fn publish(&self, path: &str, document: &Value) {
        let mut documents = self.documents.lock().expect("a lock");
        documents.insert(path.to_owned(), document.to_string());
        let answers = documents
            .iter()
            .map(|(path, document)| (path.clone(), last_answer(200, "", document)));
        self.endpoint
            .follow(Script::by_path(answers.collect(), last_answer(404, "", "")));
    }

    /// How often the keys were fetched.
    pub fn key_requests(&self) -> usize {
        let requests = self.endpoint.requests();
        requests
            .iter()
            .filter(|request| request.path() == JWKS)
            .count()
    }

    /// The claims of a good ID token.
    pub fn claims(&self) -> Value {
        json!({ "iss": self.url, "aud": "app", "sub": "user-1", "email": "a@b.c", "token_use": "id", "exp": now() + 600 })
    }
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a time")
        .as_secs()
}

/// A key pair that tokens are signed with.
#[derive(Debug)]
pub struct Signer(KeyPair);

impl Signer {
    /// Makes a key pair of a size.
    pub fn new(size: KeySize) -> Self {
        Self(KeyPair::generate(size).expect("a key"))
    }

    /// The public key as a JSON Web Key for RS256.
    pub fn jwk(&self, kid: &str) -> Value {
        let components = PublicKeyComponents::<Vec<u8>>::from(self.0.public_key());
        let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({ "kty": "RSA", "alg": "RS256", "use": "sig", "kid": kid, "n": number(&components.n), "e": number(&components.e) })
    }

    /// A token signed as RS256 asks for, whatever its header says.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_with(&RSA_PKCS1_SHA256, header, &claims.to_string())
    }

    /// A token signed with a padding and a hash, whatever its header says.
    pub fn sign_with(
        &self,
        padding: &'static dyn signature::RsaEncoding,
        header: &Value,
        claims: &str,
    ) -> String {
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(claims)
        );
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0
            .sign(
                padding,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .expect("a signature");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The public key in X.509's form.
    pub fn public_der(&self) -> Vec<u8> {
        AsDer::<PublicKeyX509Der>::as_der(self.0.public_key())
            .expect("a public key")
            .as_ref()
            .to_vec()
    }
}
