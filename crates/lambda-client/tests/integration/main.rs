//! The client against servers on loopback that count the connections and requests which reach them.

mod answers;
mod client;
mod connections;
mod proxy;
mod requests;
mod trust;
