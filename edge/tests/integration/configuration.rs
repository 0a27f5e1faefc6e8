//! What the edge makes of the environment for its connection to Lambda: credentials and trust
//! anchors.

use lambda_client::Roots;

use crate::cores::configuration;

#[test]
fn credentials_are_in_the_environment_only_if_both_variables_have_a_value() {
    let (id, secret) = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY");
    for (variables, expected) in [
        (&[][..], false),
        (&[(id, "a")][..], false),
        (&[(secret, "b")][..], false),
        (&[(id, "a"), (secret, "")][..], false),
        (&[(id, ""), (secret, "b")][..], false),
        (&[(id, "a"), (secret, "b")][..], true),
    ] {
        let found = configuration(variables).has_credentials;
        assert_eq!(found, expected, "{variables:?}");
    }
}

/// The partitions whose endpoints Amazon's public roots do not certify are China's, the isolated
/// ones and Europe's sovereign cloud.
#[test]
fn amazons_roots_are_trusted_at_amazons_own_endpoints_and_nowhere_else() {
    let file = || Roots::File("/roots.pem".into());
    for (variables, expected) in [
        (&[][..], Roots::Amazon),
        (&[("AWS_REGION", "us-east-1")][..], Roots::Amazon),
        (&[("AWS_REGION", "us-gov-west-1")][..], Roots::Amazon),
        (&[("AWS_REGION", "eu-central-1")][..], Roots::Amazon),
        (&[("AWS_REGION", "cn-north-1")][..], Roots::System),
        (&[("AWS_REGION", "cn-northwest-1")][..], Roots::System),
        (&[("AWS_REGION", "us-iso-east-1")][..], Roots::System),
        (&[("AWS_REGION", "us-isob-east-1")][..], Roots::System),
        (&[("AWS_REGION", "eu-isoe-west-1")][..], Roots::System),
        (&[("AWS_REGION", "us-isof-south-1")][..], Roots::System),
        (&[("AWS_REGION", "eusc-de-east-1")][..], Roots::System),
        (
            &[("AWS_ENDPOINT_URL_LAMBDA", "https://lambda.example")][..],
            Roots::System,
        ),
        (
            &[("AWS_ENDPOINT_URL", "https://all.example")][..],
            Roots::System,
        ),
        (
            &[("AWS_ENDPOINT_URL_LAMBDA", "http://localhost:4004")][..],
            Roots::Amazon,
        ),
        (&[("SSL_CERT_FILE", "/roots.pem")][..], file()),
        (
            &[
                ("AWS_REGION", "cn-north-1"),
                ("SSL_CERT_FILE", "/roots.pem"),
            ][..],
            file(),
        ),
        (&[("SSL_CERT_DIR", "/roots")][..], Roots::System),
    ] {
        assert_eq!(configuration(variables).roots, expected, "{variables:?}");
    }
}
