//! When the head of a streamed answer is known, and what it is.

use super::*;

/// Status, headers and first bytes, with the number of pieces that were held until then.
fn open(pieces: &[&[u8]]) -> String {
    let mut parser = PreludeParser::new(None, CoreReplyShape::Raw, ErrorDetail::Message);
    for (at, piece) in pieces.iter().enumerate() {
        if let Some(head) = parser.push(piece).expect("no failure") {
            return format!("{} {}", at + 1, written(&head));
        }
    }
    format!("end {}", written(&parser.end().expect("no failure")))
}

fn written(head: &ResponseHead) -> String {
    let headers: Vec<_> = head
        .response
        .headers
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    format!(
        "{} {} {:?}",
        head.response.status,
        headers.join(","),
        String::from_utf8_lossy(&head.first)
    )
}

#[test]
fn the_head_is_known_as_soon_as_the_bytes_cannot_be_a_prelude() {
    let prelude = br#"{"statusCode":201,"headers":{"content-type":"text/plain","x-a":"b"},"cookies":["c=1"]}"#;
    let cut = [&prelude[..20], &prelude[20..], b"\0\0\0", b"\0\0\0\0\0hi"];
    let cases: [(&[&[u8]], &str); 14] = [
        (
            &[prelude.as_slice(), &[0; 8], b"hi"],
            r#"2 201 Content-Type=text/plain,x-a=b,Set-Cookie=c=1 """#,
        ),
        (
            &cut,
            r#"4 201 Content-Type=text/plain,x-a=b,Set-Cookie=c=1 "hi""#,
        ),
        (
            &[br#"{"answer":"#, br#"1}"#],
            r#"1 200 Content-Type=application/json "{\"answer\":""#,
        ),
        (
            &[br#"{"statusCode":200}"#],
            r#"end 200 Content-Type=application/json "{\"statusCode\":200}""#,
        ),
        (
            &[b"data: x\n\n"],
            r#"1 200 Content-Type=text/event-stream "data: x\n\n""#,
        ),
        (
            &[b"da", b"ta: a\n\n"],
            r#"2 200 Content-Type=text/event-stream "data: a\n\n""#,
        ),
        (
            &[b" ", b"\n", b"i", b"d: 1"],
            r#"4 200 Content-Type=text/event-stream " \nid: 1""#,
        ),
        (
            &[b"n", b"ul", b"l"],
            r#"3 200 Content-Type=application/json "null""#,
        ),
        (
            &[b"dat", b"e"],
            r#"2 200 Content-Type=application/octet-stream "date""#,
        ),
        (
            &[b"dat"],
            r#"end 200 Content-Type=application/octet-stream "dat""#,
        ),
        (
            &[b"  "],
            r#"end 200 Content-Type=application/octet-stream "  ""#,
        ),
        (
            &[b"\x89PNG"],
            "1 200 Content-Type=application/octet-stream \"\u{fffd}PNG\"",
        ),
        (&[b"null"], r#"1 200 Content-Type=application/json "null""#),
        (&[], r#"end 200 Content-Type=application/json "{}""#),
    ];
    for (pieces, expected) in cases {
        assert_eq!(open(pieces), expected);
    }
}

#[test]
fn what_lambda_says_of_the_type_goes_before_what_it_looks_like() {
    let head = PreludeParser::new(
        Some("text/csv".to_owned()),
        CoreReplyShape::Raw,
        ErrorDetail::Message,
    )
    .push(b"1,2");
    let head = head.expect("no failure").expect("a head");
    assert!(written(&head).contains("Content-Type=text/csv"), "{head:?}");
}

#[test]
fn pieces_of_a_kilobyte_take_no_longer_than_the_whole() {
    // With every piece searched from the start, 6 MB would take longer than the test suite.
    let piece = [b' '; 1024];
    for (shape, start) in [
        (CoreReplyShape::Proxy, "{\"statusCode\":200,\"body\":\""),
        (CoreReplyShape::Raw, "{\"headers\":{},"),
    ] {
        let mut parser = PreludeParser::new(None, shape, ErrorDetail::Message);
        parser.push(start.as_bytes()).expect("no failure");
        let mut searched = 0;
        for _ in 0..5_900 {
            let before = parser.searched;
            if parser.push(&piece).expect("no failure").is_some() {
                break;
            }
            searched += parser.searched - before;
        }
        assert!(
            searched <= MAX_PRELUDE + PRELUDE_DELIMITER.len(),
            "{searched} bytes were searched"
        );
    }
}

#[test]
fn a_delimiter_in_two_pieces_is_found() {
    for at in 1..8 {
        let (first, second) = PRELUDE_DELIMITER.split_at(at);
        let pieces = [br#"{"statusCode":204}"#.as_slice(), first, second, b"x"];
        assert!(open(&pieces).starts_with("3 204 "), "{at}");
    }
}

#[test]
fn a_prelude_that_never_ends_is_passed_on() {
    let mut parser = PreludeParser::new(None, CoreReplyShape::Raw, ErrorDetail::Message);
    assert!(
        parser
            .push(br#"{"statusCode":200,"#)
            .expect("no failure")
            .is_none()
    );
    assert!(
        parser
            .push(&vec![b' '; MAX_PRELUDE])
            .expect("no failure")
            .is_some()
    );
}

#[test]
fn a_type_that_says_nothing_is_guessed_from_as_many_bytes_as_it_takes() {
    for said in [INTEGRATION_RESPONSE, "text/plain\r\nx: y"] {
        let (shape, detail) = (CoreReplyShape::Raw, ErrorDetail::Message);
        let mut parser = PreludeParser::new(Some(said.to_owned()), shape, detail);
        assert!(parser.push(b"da").expect("no failure").is_none(), "{said}");
        let head = parser.push(b"ta: a\n\n").expect("no failure");
        let head = written(&head.expect("a head"));
        let expected = r#"200 Content-Type=text/event-stream "data: a\n\n""#;
        assert_eq!(head, expected, "{said}");
    }
}
