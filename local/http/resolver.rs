//! Finds the addresses of hosts. For `localhost` it asks no system service, which would need file
//! descriptors that the stack may not have.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower::Service;

/// The addresses of a host.
type Addresses = std::vec::IntoIter<SocketAddr>;

/// A resolver for the HTTP client.
#[derive(Debug, Clone, Default)]
pub(super) struct Resolver;

impl Service<Name> for Resolver {
    type Response = Addresses;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Addresses>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        if name.as_str().eq_ignore_ascii_case("localhost") {
            // The services listen there too; the port is that of the URL.
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            return Box::pin(std::future::ready(Ok(vec![address].into_iter())));
        }
        let resolved = GaiResolver::new().call(name);
        Box::pin(async move { Ok(resolved.await?.collect::<Vec<_>>().into_iter()) })
    }
}
