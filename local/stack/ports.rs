//! The ports of the services, which are all bound before any service starts.
//!
//! Every URL of the stack has the host `localhost`, which a client may resolve to `127.0.0.1` or to
//! `::1`. Each port is therefore bound at both addresses: otherwise another program could listen on
//! the other one and respond in the stack's place.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tokio::net::TcpListener;

use super::StartError;

/// How many times to try another free port if the one of `127.0.0.1` is in use at `::1`.
const ATTEMPTS: usize = 20;

/// A bound port and the URL of its service.
#[derive(Debug)]
pub(super) struct Port {
    /// The listening sockets, one for each address.
    pub listeners: Vec<TcpListener>,
    /// `http://localhost:…`
    pub url: String,
}

/// The ports of the services, in the order of their numbers.
#[derive(Debug)]
pub(super) struct Ports {
    pub console: Port,
    pub api: Port,
    pub user_pool: Port,
    pub identity_pool: Port,
    pub lambda: Port,
    /// The frontend, if one is served.
    pub web: Option<Port>,
    /// The function URL of the edge: `AWS_IAM`.
    pub edge_url: Port,
    /// The function URL of the open edge: `NONE`.
    pub open_url: Port,
    /// The function URL of the streaming edge: `AWS_IAM`, `RESPONSE_STREAM`.
    pub stream_url: Port,
    pub rest_api: Port,
}

impl Ports {
    /// Binds ten consecutive ports from `first`, or any free ones if it is 0, at the loopback
    /// addresses and at `host`.
    pub(super) async fn take(
        first: u16,
        host: Option<IpAddr>,
        has_web: bool,
    ) -> Result<Self, StartError> {
        let addresses = Addresses::with(host);
        let at = async |offset, what| {
            let port = if first == 0 {
                0
            } else {
                first.saturating_add(offset)
            };
            Port::take(port, &addresses, what).await
        };
        Ok(Self {
            console: at(0, "the console").await?,
            api: at(1, "the API").await?,
            user_pool: at(2, "the user pool").await?,
            identity_pool: at(3, "the identity pool").await?,
            lambda: at(4, "Lambda").await?,
            web: if has_web {
                Some(at(5, "the frontend").await?)
            } else {
                None
            },
            edge_url: at(6, "the edge's function URL").await?,
            open_url: at(7, "the open edge's function URL").await?,
            stream_url: at(8, "the streaming edge's function URL").await?,
            rest_api: at(9, "the REST API").await?,
        })
    }
}

/// The addresses at which every port is bound.
#[derive(Debug)]
struct Addresses {
    first: IpAddr,
    others: Vec<IpAddr>,
}

impl Addresses {
    /// Both loopback addresses and `host`, which may be the unspecified address of IPv4.
    fn with(host: Option<IpAddr>) -> Self {
        let (v4, v6) = (
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
        );
        match host {
            Some(host) if host == IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Self {
                first: host,
                others: vec![v6],
            },
            Some(host) if !host.is_loopback() => Self {
                first: v4,
                others: vec![v6, host],
            },
            _ => Self {
                first: v4,
                others: vec![v6],
            },
        }
    }
}

impl Port {
    async fn take(
        port: u16,
        addresses: &Addresses,
        what: &'static str,
    ) -> Result<Self, StartError> {
        let mut attempts = if port == 0 { ATTEMPTS } else { 1 };
        loop {
            attempts -= 1;
            match Self::listen(port, addresses).await {
                Ok((port, listeners)) => {
                    return Ok(Self {
                        listeners,
                        url: format!("http://localhost:{port}"),
                    });
                }
                Err((address, source)) if attempts == 0 => {
                    return Err(StartError::Port {
                        port,
                        address,
                        what,
                        source,
                    });
                }
                Err(_) => {}
            }
        }
    }

    async fn listen(
        port: u16,
        addresses: &Addresses,
    ) -> Result<(u16, Vec<TcpListener>), (IpAddr, io::Error)> {
        let first = bind(addresses.first, port).await?;
        let port = first
            .local_addr()
            .map_err(|error| (addresses.first, error))?
            .port();
        let mut listeners = vec![first];
        for address in &addresses.others {
            match bind(*address, port).await {
                Ok(listener) => listeners.push(listener),
                Err((IpAddr::V6(address), error))
                    if address.is_loopback() && has_no_ipv6(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok((port, listeners))
    }
}

async fn bind(address: IpAddr, port: u16) -> Result<TcpListener, (IpAddr, io::Error)> {
    TcpListener::bind((address, port))
        .await
        .map_err(|error| (address, error))
}

/// Whether the machine has no IPv6, so that no program can listen at `::1`.
fn has_no_ipv6(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported
    ) || error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_is_taken_at_both_loopback_addresses() {
        let addresses = Addresses::with(None);
        let Ok(other) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await else {
            return;
        };
        let taken = other.local_addr().expect("an address").port();
        let error = Port::take(taken, &addresses, "the API")
            .await
            .expect_err("::1 is taken")
            .to_string();
        assert!(
            error.starts_with(&format!("port {taken} for the API is in use at ::1")),
            "{error}"
        );
        let free = Port::take(0, &addresses, "the API")
            .await
            .expect("a free port");
        let ports: Vec<_> = free
            .listeners
            .iter()
            .map(|listener| listener.local_addr().expect("an address"))
            .collect();
        assert_eq!(ports.len(), 2);
        assert!(
            ports
                .iter()
                .all(|address| address.port() == ports[0].port() && address.ip().is_loopback()),
            "{ports:?}"
        );
    }

    #[test]
    fn a_host_is_added_to_the_loopback_addresses() {
        for (host, addresses) in [
            (None, "127.0.0.1 ::1"),
            (Some("127.0.0.1"), "127.0.0.1 ::1"),
            (Some("0.0.0.0"), "0.0.0.0 ::1"),
            (Some("192.0.2.7"), "127.0.0.1 ::1 192.0.2.7"),
        ] {
            let Addresses { first, others } =
                Addresses::with(host.map(|host| host.parse().expect("an address")));
            let written: Vec<_> = std::iter::once(first)
                .chain(others)
                .map(|address| address.to_string())
                .collect();
            assert_eq!(written.join(" "), addresses);
        }
    }
}
