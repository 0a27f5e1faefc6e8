//! Each attack on a token of RFC 8725, section 2, is a row; the number before its name is that of
//! the RFC's section.

mod claims;
mod headers;
mod signatures;

use aws_lc_rs::rsa::KeySize;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use testkit::issuer::{Issuer, Signer};

use super::{ask, bearer, edge_for, status};
use crate::log::cause;

/// A token that must be refused, and for which reason.
struct Attack {
    name: &'static str,
    reason: &'static str,
    token: String,
}

fn attack(name: &'static str, reason: &'static str, token: String) -> Attack {
    Attack {
        name,
        reason,
        token,
    }
}

/// What the attacks are made of.
struct Given {
    issuer: Issuer,
    /// The key that signs the issuer's tokens.
    signer: Signer,
    /// A key that the issuer does not have.
    other: Signer,
    /// The issuer's key for encryption.
    encryption: Signer,
    /// The header of a good token.
    head: Value,
    /// A good token.
    good: String,
}

impl Given {
    async fn new() -> Self {
        let new_key = || Signer::new(KeySize::Rsa2048);
        let (signer, other, encryption) = (new_key(), new_key(), new_key());
        let mut for_encryption = encryption.jwk("enc");
        for_encryption["use"] = json!("enc");
        let mut broken = other.jwk("broken");
        broken["n"] = json!(URL_SAFE_NO_PAD.encode([0xff; 128]));
        let issuer = Issuer::publishing(&[signer.jwk("k1"), for_encryption, broken]).await;
        let head = json!({ "alg": "RS256", "kid": "k1" });
        let good = signer.sign(&head, &issuer.claims());
        Self {
            issuer,
            signer,
            other,
            encryption,
            head,
            good,
        }
    }

    /// The good token without its signature, and the signature.
    fn parts(&self) -> (&str, &str) {
        self.good.rsplit_once('.').expect("three parts")
    }
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[tokio::test]
async fn every_attack_on_a_token_is_refused() {
    let given = Given::new().await;
    let edge = edge_for(&given.issuer, &[]);
    let good = given.good.as_str();
    assert_eq!(bearer(&edge, good).await, status(200, "user-1"));
    let attacks = [
        signatures::attacks(&given),
        headers::attacks(&given),
        claims::attacks(&given),
    ];
    for attack in attacks.into_iter().flatten() {
        let name = attack.name;
        let answer = bearer(&edge, &attack.token).await;
        assert_eq!(answer, status(401, "unauthorized"), "{name}");
        // The reason too: a row must not pass because of another defence.
        assert_eq!(cause(), attack.reason, "{name}");
    }
    for header in ["", "Basic dTpw", good, "Bearer", "Bearer "] {
        assert_eq!(
            ask(&edge, header).await,
            status(401, "unauthorized"),
            "{header:?}"
        );
    }
}
