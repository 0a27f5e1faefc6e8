//! The invariants of the architecture that the compiler does not check: which module may import
//! which, which package may know which, where connections are opened, lines logged and the
//! environment read, and which words may not be identifiers.
//!
//! The checks read the sources as text, without comments and literals. They do not expand macros or
//! resolve aliases. Each file shows for its own check that it reports a violation.

mod environment;
mod identifiers;
mod imports;
mod packages;
mod picture;
mod side_effects;
mod source;
mod stages;
