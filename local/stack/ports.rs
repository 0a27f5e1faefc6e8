//! The ports of the rooms: taken all at once, before anything is started.

use std::net::Ipv4Addr;

use tokio::net::TcpListener;

use super::StartError;

/// A port that is taken, and the URL of what will answer there.
#[derive(Debug)]
pub struct Port {
    /// The socket.
    pub listener: TcpListener,
    /// `http://localhost:…`
    pub url: String,
}

/// Every port, in the order of their numbers.
#[derive(Debug)]
pub struct Ports {
    /// The console.
    pub console: Port,
    /// The HTTP API.
    pub api: Port,
    /// The user pool.
    pub user_pool: Port,
    /// The identity pool.
    pub identity_pool: Port,
    /// Lambda.
    pub lambda: Port,
    /// The frontend, where one is served.
    pub web: Option<Port>,
    /// The function URL of the edge: `AWS_IAM`.
    pub edge_url: Port,
    /// The function URL of the open edge: `NONE`.
    pub open_url: Port,
    /// The function URL of the streaming edge: `AWS_IAM`, `RESPONSE_STREAM`.
    pub stream_url: Port,
    /// The REST API.
    pub rest_api: Port,
}

impl Ports {
    /// Takes ten ports in a row from `first`, or any that are free when it is 0.
    pub async fn take(first: u16, has_web: bool) -> Result<Self, StartError> {
        let at = async |offset, what| Port::take(if first == 0 { 0 } else { first.saturating_add(offset) }, what).await;
        Ok(Self {
            console: at(0, "the console").await?,
            api: at(1, "the API").await?,
            user_pool: at(2, "the user pool").await?,
            identity_pool: at(3, "the identity pool").await?,
            lambda: at(4, "Lambda").await?,
            web: if has_web { Some(at(5, "the frontend").await?) } else { None },
            edge_url: at(6, "the edge's function URL").await?,
            open_url: at(7, "the open edge's function URL").await?,
            stream_url: at(8, "the streaming edge's function URL").await?,
            rest_api: at(9, "the REST API").await?,
        })
    }
}

impl Port {
    async fn take(port: u16, what: &'static str) -> Result<Self, StartError> {
        let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        let listener = bound.map_err(|source| StartError::Port { port, what, source })?;
        let port = listener.local_addr().map_err(|source| StartError::Port { port, what, source })?.port();
        Ok(Self { listener, url: format!("http://localhost:{port}") })
    }
}
