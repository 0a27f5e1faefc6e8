//! The fault table: each fault between the edge and Lambda, injected into the edge as it is
//! deployed, with what the caller reads, how often core was called, and that the next request is
//! answered. The table stands in `docs/reliability.md`; the tests write it anew there when
//! `UPDATE_FAULT_TABLE` is set, and otherwise fail where it differs.

mod answer;
mod answers;
mod connections;
mod credentials;
mod document;
mod fault;
mod lambda;
mod run;
mod runtime_side;
mod scene;
mod sizes;
mod table;
