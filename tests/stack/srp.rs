//! The client's side of a sign-in by SRP, as the sources of Cognito's clients compute it.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use inference_edge::http::BufferedResponse;
use num_bigint::BigUint;
use serde_json::{Value, json};

use crate::harness::{Stack, value};

/// The 3,072-bit prime of RFC 5054, appendix A.
pub const N: &str = "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF";

/// A sign-in that has begun.
pub struct Exchange {
    a: BigUint,
    a_public: BigUint,
    /// The response to `InitiateAuth`.
    pub challenge: BufferedResponse,
}

/// Signs a user in and returns the response to the last request.
pub async fn sign_in(stack: &Stack, username: &str, password: &str) -> BufferedResponse {
    let exchange = Exchange::begin(stack, username).await;
    if exchange.challenge.status != 200 {
        return exchange.challenge;
    }
    let responses = exchange.responses(stack, password);
    respond(stack, responses).await
}

/// Sends the responses to a challenge.
pub async fn respond(stack: &Stack, responses: Value) -> BufferedResponse {
    let body = json!({
        "ChallengeName": "PASSWORD_VERIFIER",
        "ClientId": stack.ready_value("/userPoolClientId"),
        "ChallengeResponses": responses,
    });
    stack.cognito("RespondToAuthChallenge", body).await
}

impl Exchange {
    pub async fn begin(stack: &Stack, username: &str) -> Self {
        let a = BigUint::from_bytes_be(uuid::Uuid::new_v4().as_bytes());
        let a_public = BigUint::from(2_u8).modpow(&a, &prime());
        let body = json!({
            "AuthFlow": "USER_SRP_AUTH",
            "ClientId": stack.ready_value("/userPoolClientId"),
            "AuthParameters": { "USERNAME": username, "SRP_A": a_public.to_str_radix(16) },
        });
        let challenge = stack.cognito("InitiateAuth", body).await;
        Self {
            a,
            a_public,
            challenge,
        }
    }

    /// The responses that prove that the client knows the password.
    pub fn responses(&self, stack: &Stack, password: &str) -> Value {
        let challenge = value(&self.challenge);
        let parameter = |name: &str| {
            challenge["ChallengeParameters"][name]
                .as_str()
                .unwrap_or_else(|| panic!("no {name} in {challenge}"))
                .to_owned()
        };
        let (_, pool) = stack
            .ready_value("/userPoolId")
            .split_once('_')
            .expect("a pool");
        let user = parameter("USER_ID_FOR_SRP");
        let identity = digest(&SHA256, format!("{pool}{user}:{password}").as_bytes());
        let key = self.key(
            &number(&parameter("SRP_B")),
            &number(&parameter("SALT")),
            identity.as_ref(),
        );
        let timestamp = jiff::Zoned::now()
            .with_time_zone(jiff::tz::TimeZone::UTC)
            .strftime("%a %b %-d %H:%M:%S UTC %Y")
            .to_string();
        let block = parameter("SECRET_BLOCK");
        let secret = STANDARD.decode(&block).expect("base64");
        let message = [
            pool.as_bytes(),
            user.as_bytes(),
            &secret,
            timestamp.as_bytes(),
        ]
        .concat();
        json!({
            "USERNAME": user,
            "PASSWORD_CLAIM_SECRET_BLOCK": block,
            "PASSWORD_CLAIM_SIGNATURE": STANDARD.encode(sign(&key, &message)),
            "TIMESTAMP": timestamp,
        })
    }

    fn key(&self, b_public: &BigUint, salt: &BigUint, identity: &[u8]) -> Vec<u8> {
        let (n, g) = (prime(), BigUint::from(2_u8));
        let u = hash(&[&pad(&self.a_public), &pad(b_public)]);
        let x = hash(&[&pad(salt), identity]);
        let k = hash(&[&pad(&n), &pad(&g)]);
        let base = (&n + b_public - (k * g.modpow(&x, &n)) % &n) % &n;
        let shared = base.modpow(&(&self.a + u.clone() * x), &n);
        let extracted = sign(&pad(&u), &pad(&shared));
        sign(&extracted, b"Caldera Derived Key\x01")[..16].to_vec()
    }
}

fn prime() -> BigUint {
    number(N)
}

fn number(hex: &str) -> BigUint {
    BigUint::parse_bytes(hex.as_bytes(), 16).expect("a number")
}

fn hash(parts: &[&[u8]]) -> BigUint {
    BigUint::from_bytes_be(digest(&SHA256, &parts.concat()).as_ref())
}

fn sign(key: &[u8], message: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, message).as_ref().to_vec()
}

fn pad(number: &BigUint) -> Vec<u8> {
    let mut bytes = number.to_bytes_be();
    if bytes.first().is_some_and(|first| *first >= 0x80) {
        bytes.insert(0, 0);
    }
    bytes
}
