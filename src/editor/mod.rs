//! The editor window: parameters out, meters in, nothing else.
