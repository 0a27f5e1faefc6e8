//! Keys of less than 2,048 bits verify nothing, though the signature is right.

use jws::{JwkSet, Jws, TokenError};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeySizes {
    jwks: JwkSet,
    #[serde(rename = "signedWith1024Bits")]
    with_1024_bits: String,
    #[serde(rename = "signedWith2048Bits")]
    with_2048_bits: String,
}

#[test]
fn a_key_of_1024_bits_verifies_nothing_and_one_of_2048_bits_does() {
    let sizes: KeySizes = serde_json::from_str(include_str!("key-sizes.json")).expect("the tokens");
    let verify = |token: &str| {
        Jws::parse(token).and_then(|jws| jws.verify(&sizes.jwks).map(|(payload, _)| payload))
    };
    assert_eq!(
        verify(&sizes.with_2048_bits).as_deref(),
        Ok(br#"{"sub":"u"}"#.as_slice())
    );
    assert_eq!(
        verify(&sizes.with_1024_bits),
        Err(TokenError::WrongSignature)
    );
}
