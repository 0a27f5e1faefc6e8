//! Faults of connections: they are refused, silent, closed or reset; before, in and after an
//! answer.

use std::time::Duration;

use testkit::endpoint::{Script, Step};

use super::fault::{
    Before, Certificate, Fault, SLOW, Server, good_answer, good_script, half_an_answer, head,
};
use super::run::then_silence;

pub fn opening() -> Vec<Fault> {
    let good = |name: &str| Fault::new(name, good_script);
    let certificate = |certificate| Server::Tls(certificate);
    vec![
        good("nothing listens").at(Server::Closed),
        good("the host has no address").at(Server::NoHost).lasting(),
        Fault::new("each connection is closed at once", |_| {
            Script::new([Step::Close])
        }),
        Fault::new("each connection is reset at once", |_| {
            Script::new([Step::Reset])
        }),
        Fault::new("nothing is read", |_| Script::new([Step::Hold])).waiting(),
        good("TLS, and no fault").at(certificate(Certificate::Good)),
        good("a certificate of another host").at(certificate(Certificate::OfAnotherHost)),
        good("a certificate that has expired").at(certificate(Certificate::Expired)),
        good("a certificate signed by itself").at(certificate(Certificate::SelfSigned)),
        good("a certificate of an unknown authority")
            .at(certificate(Certificate::OfUnknownAuthority)),
        good("no TLS where it is expected").at(Server::HttpForHttps),
    ]
}

pub fn answering() -> Vec<Fault> {
    let closing = |bytes: Vec<u8>| vec![Step::Send(bytes), Step::Close];
    vec![
        Fault::after_request("silence", |_| vec![Step::Hold]).waiting(),
        Fault::after_request("silence until shortly before the deadline", |_| {
            vec![Step::Hold]
        })
        .waiting()
        .with("CORE_TIMEOUT_MS", "900000")
        .with_deadline(Duration::from_secs(3)),
        Fault::after_request("closed without an answer", |_| vec![Step::Close]),
        Fault::after_request("reset without an answer", |_| vec![Step::Reset]),
        Fault::answer("closed in the status line", "HTTP/1.1 2"),
        Fault::answer("closed in the headers", "HTTP/1.1 200 OK\r\nContent-Le"),
        Fault::answer("closed after the headers", head("Content-Length: 12\r\n")),
        Fault::after_request("closed in the body", move |mode| {
            closing(half_an_answer(mode))
        }),
        Fault::after_request("reset in the body", |mode| {
            // The reset would overtake what was sent just before it.
            let pause = Step::Pause(Duration::from_millis(200));
            vec![Step::Send(half_an_answer(mode)), pause, Step::Reset]
        }),
        Fault::after_request("silence in the headers", |_| {
            then_silence(b"HTTP/1.1 200 OK\r\n".to_vec())
        })
        .waiting(),
        Fault::after_request("silence after the headers", |_| {
            then_silence(head("Content-Length: 12\r\n"))
        })
        .waiting(),
        Fault::after_request("silence in the body", |mode| {
            then_silence(half_an_answer(mode))
        })
        .waiting(),
        Fault::after_request("a byte a second", |mode| {
            let bytes = good_answer(mode);
            vec![Step::SendSlowly { bytes, pause: SLOW }]
        })
        .waiting(),
    ]
}

pub fn kept() -> Vec<Fault> {
    let mut faults = Vec::new();
    for (before, when) in [
        (Before::Request, ""),
        (Before::RequestAndFreeze, " while the environment is frozen"),
    ] {
        faults.extend([
            Fault::new(format!("a kept connection is closed{when}"), |_| {
                Script::new([Step::Close])
            })
            .after(before),
            Fault::new(format!("a kept connection is reset{when}"), |_| {
                Script::new([Step::Reset])
            })
            .after(before),
            Fault::new(format!("a kept connection stays open{when}"), good_script).after(before),
        ]);
    }
    faults.extend([
        Fault::after_request("a kept connection takes the request and is closed", |_| {
            vec![Step::Close]
        })
        .after(Before::Request),
        Fault::after_request("a kept connection takes the request and is reset", |_| {
            vec![Step::Reset]
        })
        .after(Before::Request),
        Fault::after_request(
            "a kept connection takes the request and falls silent",
            |_| vec![Step::Hold],
        )
        .after(Before::Request)
        .waiting(),
    ]);
    faults
}
