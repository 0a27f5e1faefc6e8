//! The client against servers on loopback that count the connections and requests which reach them.

mod client;
mod http;
mod proxy;
