//! Attacks by what the token's header says: which key, where to get one, and extensions.

use serde_json::json;

use super::{Attack, Given, attack};

pub fn attacks(given: &Given) -> Vec<Attack> {
    let Given { signer, other, .. } = given;
    vec![
        attack(
            "2.8 a key in the header",
            "no key of the issuer has the token's key id",
            other.sign(
                &json!({ "alg": "RS256", "jwk": other.jwk("k1") }),
                &given.issuer.claims(),
            ),
        ),
        attack(
            "2.9 a key's address in the header",
            "no key of the issuer has the token's key id",
            other.sign(
                &json!({ "alg": "RS256", "kid": "k9", "jku": "https://evil.example" }),
                &given.issuer.claims(),
            ),
        ),
        attack(
            "2.9 a path for a key id",
            "no key of the issuer has the token's key id",
            other.sign(
                &json!({ "alg": "RS256", "kid": "../../dev/null" }),
                &given.issuer.claims(),
            ),
        ),
        attack(
            "2.9 a key id that is no text",
            "the token's header is malformed",
            signer.sign(
                &json!({ "alg": "RS256", "kid": ["k1"] }),
                &given.issuer.claims(),
            ),
        ),
        attack(
            "2.9 a key id for one key of several",
            "no key of the issuer has the token's key id",
            signer.sign(&json!({ "alg": "RS256" }), &given.issuer.claims()),
        ),
        attack(
            "critical extensions",
            "the token has critical extensions",
            signer.sign(
                &json!({ "alg": "RS256", "kid": "k1", "crit": ["exp"] }),
                &given.issuer.claims(),
            ),
        ),
        attack(
            "a payload that is not encoded",
            "the token has critical extensions",
            signer.sign(
                &json!({ "alg": "RS256", "kid": "k1", "b64": false }),
                &given.issuer.claims(),
            ),
        ),
    ]
}
