//! An issuer of tokens on loopback, and what signs them.

use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{self, KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// An issuer on loopback: what it publishes can be changed, and every path that is asked for is
/// kept.
pub struct Issuer {
    /// As it stands in `iss`.
    pub url: String,
    documents: Arc<Mutex<Vec<(&'static str, String)>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Issuer {
    pub async fn publishing(keys: &[Value]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!(
            "http://localhost:{}",
            listener.local_addr().expect("an address").port()
        );
        let issuer = Self {
            url,
            documents: Arc::default(),
            asked: Arc::default(),
        };
        issuer.publish(
            "/.well-known/openid-configuration",
            json!({ "issuer": issuer.url, "jwks_uri": format!("{}/jwks", issuer.url) }),
        );
        issuer.publish("/jwks", json!({ "keys": keys }));
        let (documents, asked) = (Arc::clone(&issuer.documents), Arc::clone(&issuer.asked));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = vec![0; 4096];
                let read = stream.read(&mut request).await.unwrap_or_default();
                let request = String::from_utf8_lossy(&request[..read]).into_owned();
                let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
                asked.lock().expect("a lock").push(path.clone());
                let body = documents
                    .lock()
                    .expect("a lock")
                    .iter()
                    .find(|(known, _)| *known == path)
                    .map(|(_, body)| body.clone());
                let (status, body) = body.map_or((404, String::new()), |body| (200, body));
                let head = format!(
                    "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
            }
        });
        issuer
    }

    pub fn publish(&self, path: &'static str, document: Value) {
        let mut documents = self.documents.lock().expect("a lock");
        documents.retain(|(known, _)| *known != path);
        documents.push((path, document.to_string()));
    }

    pub fn asked(&self) -> usize {
        self.asked
            .lock()
            .expect("a lock")
            .iter()
            .filter(|path| *path == "/jwks")
            .count()
    }

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
pub struct Signer(KeyPair);

impl Signer {
    pub fn new(size: KeySize) -> Self {
        Self(KeyPair::generate(size).expect("a key"))
    }

    pub fn jwk(&self, kid: &str) -> Value {
        let components = PublicKeyComponents::<Vec<u8>>::from(self.0.public_key());
        let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({ "kty": "RSA", "alg": "RS256", "use": "sig", "kid": kid, "n": number(&components.n), "e": number(&components.e) })
    }

    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_with(&RSA_PKCS1_SHA256, header, &claims.to_string())
    }

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

    pub fn public_der(&self) -> Vec<u8> {
        AsDer::<PublicKeyX509Der>::as_der(self.0.public_key())
            .expect("a public key")
            .as_ref()
            .to_vec()
    }
}
