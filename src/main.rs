//! The `autovoice` command.

fn main() {}
