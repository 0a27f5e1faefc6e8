//! What a developer reads of a signature that does not match.

use std::sync::Arc;

use crate::signing::{Case, INVOKE, NOW, SCOPE, check, own_key, signed, temporary_key};

#[test]
fn a_common_mistake_is_named_with_the_line_that_differs() {
    let own = Arc::new(own_key());
    let sent = Case {
        method: "POST",
        path: "/a%3Ab",
        query: "b=2&a=1",
        body: b"{}",
    };
    // Each client signs another request than it sends, or leaves something out.
    for (mistake, signed_instead) in [
        (
            "the path must be encoded once more",
            Case {
                path: "/a:b",
                ..sent
            },
        ),
        (
            "the query belongs to what is signed",
            Case { query: "", ..sent },
        ),
        (
            "the body belongs to what is signed",
            Case { body: b"", ..sent },
        ),
        (
            "the method is signed as it is sent",
            Case {
                method: "GET",
                ..sent
            },
        ),
        (
            "none of the common mistakes",
            Case {
                path: "/elsewhere",
                ..sent
            },
        ),
    ] {
        let headers = signed(signed_instead, &own, SCOPE, NOW);
        let refused = check(sent, &headers, &own, NOW).expect_err(mistake);
        let table = refused.mismatch.expect("a mismatch").table();
        assert!(table.contains(mistake), "{mistake}:\n{table}");
        assert_eq!(
            table.contains("──▶"),
            mistake != "none of the common mistakes",
            "{table}"
        );
    }
}

#[test]
fn a_session_token_is_cut_out_of_the_table() {
    let temporary = Arc::new(temporary_key());
    let headers = signed(INVOKE, &temporary, SCOPE, NOW);
    let refused = check(
        Case {
            body: b"",
            ..INVOKE
        },
        &headers,
        &temporary,
        NOW,
    )
    .expect_err("another body");
    let table = refused.mismatch.expect("a mismatch").table();
    assert!(
        table.contains("x-amz-security-token:[cut]") && !table.contains("IQoJb3JpZ2luX2VjE"),
        "{table}"
    );
}
